#!/usr/bin/env bash
# Trains with GRPO, in a process for each GPU of this machine, or on its CPU. Arguments go to the trainer:
#
#   ./launch_grpo.sh                                         the default job: a tiny model learns to add
#   ./launch_grpo.sh model=hf model.name=Qwen/Qwen2.5-7B data=file data.train_path=train.jsonl
#   NPROC_PER_NODE=4 ./launch_grpo.sh …                      so many processes
#
# Command lines of the original trainer go on: its names of keys become ours (docs/migration.md has all of them).
# What has no counterpart is refused by the trainer, which says what there is.
set -euo pipefail

translate() {
  local key=${1%%=*} value=${1#*=}
  case $key in
    data.train_data_path) printf '%s\n' data=file "data.train_path=$value" ;;
    data.test_data_path) echo "data.test_path=$value" ;;
    actor.model_name) printf '%s\n' model=hf "model.name=$value" ;;
    actor.gradient_checkpointing) echo "model.gradient_checkpointing=$value" ;;
    actor.use_liger_kernel) echo "model.liger=$value" ;;
    actor.ddp_size) echo "parallel.ddp=$value" ;;
    actor.sp_size) echo "parallel.sp=$value" ;;
    actor.tp_size) echo "parallel.tp=$value" ;;
    actor.max_length_per_device) echo "actor.tokens_per_microbatch=$value" ;;
    actor.update_per_rollout) echo "actor.minibatches=$value" ;;
    actor.agg_mode) echo "actor.aggregation=$(sed 's/^all_//; s/^seq_token_/sequence_/' <<<"$value")" ;;
    actor.offload_model) echo "actor.offload_models=$value" ;;
    actor.kl.coef) echo "actor.kl_coef=$value" ;;
    actor.kl.type) echo "actor.kl_in=$value" ;;
    actor.kl.reward_estimator | actor.kl.loss_estimator) echo "actor.kl_estimator=$value" ;;
    actor.entropy.coef) echo "actor.entropy_coef=$value" ;;
    critic.clip) echo "actor.value_clip=$value" ;;
    rollout.env_path) echo "env=$value" ;;
    rollout.train_sampling_params.max_new_tokens) echo "rollout.max_new_tokens=$value" ;;
    rollout.train_sampling_params.temperature) echo "rollout.temperature=$value" ;;
    rollout.test_sampling_params.temperature) echo "evaluation.temperature=$value" ;;
    rollout.max_turns) echo "data.env_arguments.max_turns=$value" ;;
    rollout.dynamic_filtering) echo "adv.filter_groups=$value" ;;
    # Its reinforce took off the mean of the responses to a prompt, as our group does.
    adv.estimator) echo "adv.estimator=$(sed 's/^reinforce$/group/' <<<"$value")" ;;
    adv.lamda) echo "adv.lam=$value" ;;
    adv.norm_var) echo "adv.norm_std=$value" ;;
    trainer.experiment_name) echo "experiment=$value" ;;
    trainer.test_freq) echo "evaluation.every=$value" ;;
    trainer.save_freq) echo "trainer.save_every=$value" ;;
    *) echo "$1" ;;
  esac
}

arguments=()
for argument in "$@"; do
  while IFS= read -r translated; do arguments+=("$translated"); done < <(translate "$argument")
done

processes=${NPROC_PER_NODE:-$({ nvidia-smi --list-gpus 2>/dev/null || true; } | wc -l)}
if ((processes > 1)); then
  exec torchrun --nproc_per_node="$processes" -m infinite_rl.agents.train ${arguments[@]+"${arguments[@]}"}
fi
exec python -m infinite_rl.agents.train ${arguments[@]+"${arguments[@]}"}
