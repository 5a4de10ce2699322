"""An environment of one's own: a guessing game, written as a program that asks the policy."""

import argparse

import torch

from infinite_rl.agents import (
    AlgorithmConfig,
    BackpropModule,
    BaseEnvironment,
    GRPOAlgorithm,
    InferenceModule,
    RewardComputer,
    RolloutConfig,
    RolloutManager,
    State,
    make_tiny,
)


class GuessDigit(BaseEnvironment):
    """Guess a digit in three tries; after each wrong guess the game says whether it was too low or too high."""

    def reset(self) -> State:
        """Thinks of a digit."""
        return State(prompt="Digit? ", answer=int(self.np_random.integers(10)))

    def step(self, state: State) -> State:
        """Takes one guess."""
        response = self.inference.generate([self.build_prompt(state)], max_new_tokens=1)[0]
        return self.update_state(state, response)

    def is_terminal(self, state: State) -> bool:
        """Over after three guesses, or with the digit."""
        return state.step_count >= 3 or state.response == str(state.answer)

    def build_prompt(self, state: State) -> str:
        """The game so far."""
        return state.prompt + "".join(state.history)

    def update_state(self, state: State, response: str) -> State:
        """Answers a guess."""
        state.response = response
        state.step_count += 1
        if response.isdigit():
            state.history.append(f"{response} {'low' if int(response) < state.answer else 'high'}. ")
        else:
            state.history.append(f"{response} is no digit. ")
        return state


class Found(RewardComputer):
    """1 for the digit, less for later guesses; 0.2 for guesses that are digits at all."""

    def score_trajectory(self, trajectory) -> float:
        """From the final state, which the author knows."""
        if trajectory.response == str(trajectory.state.answer):
            return 1.2 - 0.2 * trajectory.state.step_count
        return 0.2 * float(trajectory.response.isdigit())


def main() -> None:
    """Trains, then plays a round by hand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=40)
    arguments = parser.parse_args()

    inference = InferenceModule(*make_tiny())
    env = GuessDigit(inference)
    manager = RolloutManager(env, RolloutConfig(num_parallel=64))
    backprop = BackpropModule(inference.model, optimizer=torch.optim.Adam(inference.model.parameters(), lr=2e-3))
    algorithm = GRPOAlgorithm(env, manager, Found(), backprop, AlgorithmConfig(batch_size=64, group_size=8))
    metrics = algorithm.train(arguments.iterations)
    print(f"mean reward {metrics[0]['reward']:.3f} -> {metrics[-1]['reward']:.3f}")
    print(f"{manager.get_statistics()['avg_trajectory_length']:.2f} tokens an episode")

    # The same game for a person, or for any library that knows Gymnasium.
    game = env.as_gymnasium(score=lambda state: float(state.response == str(state.answer)))
    question, _ = game.reset(seed=0)
    question, reward, *_ = game.step("5")
    print(f"{question!r} {reward:g}")


if __name__ == "__main__":
    main()
