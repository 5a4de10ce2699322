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

arguments=()
add() { arguments+=("$@"); }

# Adds what an argument means. No value passes through echo or sed, which take line breaks, -n and backslashes amiss.
translate() {
  local key=${1%%=*} value=${1#*=}
  [[ $1 == *=* ]] || key=""
  case $key in
    data.train_data_path) add data=file "data.train_path=$value" ;;
    data.test_data_path) add "data.test_path=$value" ;;
    actor.model_name) add model=hf "model.name=$value" ;;
    actor.gradient_checkpointing) add "model.gradient_checkpointing=$value" ;;
    actor.use_liger_kernel) add "model.liger=$value" ;;
    actor.ddp_size) add "parallel.ddp=$value" ;;
    actor.sp_size) add "parallel.sp=$value" ;;
    actor.tp_size) add "parallel.tp=$value" ;;
    actor.max_length_per_device) add "actor.tokens_per_microbatch=$value" ;;
    actor.update_per_rollout) add "actor.minibatches=$value" ;;
    actor.agg_mode)
      value=${value#all_}
      [[ $value != seq_token_* ]] || value=sequence_${value#seq_token_}
      add "actor.aggregation=$value"
      ;;
    actor.offload_model) add "actor.offload_models=$value" ;;
    actor.kl.coef) add "actor.kl_coef=$value" ;;
    actor.kl.type) add "actor.kl_in=$value" ;;
    actor.kl.reward_estimator | actor.kl.loss_estimator) add "actor.kl_estimator=$value" ;;
    actor.entropy.coef) add "actor.entropy_coef=$value" ;;
    critic.clip) add "actor.value_clip=$value" ;;
    rollout.env_path) add "env=$value" ;;
    rollout.train_sampling_params.max_new_tokens) add "rollout.max_new_tokens=$value" ;;
    rollout.train_sampling_params.temperature) add "rollout.temperature=$value" ;;
    rollout.test_sampling_params.temperature) add "evaluation.temperature=$value" ;;
    rollout.max_turns) add "data.env_arguments.max_turns=$value" ;;
    rollout.dynamic_filtering) add "adv.filter_groups=$value" ;;
    # Its reinforce took off the mean of the responses to a prompt, as our group does.
    adv.estimator)
      [[ $value != reinforce ]] || value=group
      add "adv.estimator=$value"
      ;;
    adv.lamda) add "adv.lam=$value" ;;
    adv.norm_var) add "adv.norm_std=$value" ;;
    trainer.experiment_name) add "experiment=$value" ;;
    trainer.test_freq) add "evaluation.every=$value" ;;
    trainer.save_freq) add "trainer.save_every=$value" ;;
    *) add "$1" ;;
  esac
}

for argument in "$@"; do translate "$argument"; done

processes=${NPROC_PER_NODE:-$({ nvidia-smi --list-gpus 2>/dev/null || true; } | wc -l)}
if ((processes > 1)); then
  exec torchrun --nproc_per_node="$processes" -m infinite_rl.agents.train ${arguments[@]+"${arguments[@]}"}
fi
exec python -m infinite_rl.agents.train ${arguments[@]+"${arguments[@]}"}
