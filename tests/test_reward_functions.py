"""The reward functions, as one calls them: ``python -m unittest discover tests`` needs nothing but the package.

The whole of their tests is in tests/rewards/, for pytest.
"""

import unittest

from infinite_rl import ExampleParser, RewardExecutor, get_reward_functions


def fenced(code: str, language: str) -> str:
    return f"<answer>\n```{language}\n{code}\n```\n</answer>"


class RewardFunctionTest(unittest.TestCase):
    """What all of them share."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.rewards = get_reward_functions(timeout=10)


class MathTest(RewardFunctionTest):
    def grade(self, answer: str, expected: str):
        return self.rewards["math"].compute_reward(model_output=answer, expected_output=expected)

    def test_equal_expressions_are_equal_answers(self) -> None:
        for answer, expected in (("x^2 + 2x + 1", "(x+1)^2"), ("1/2", "0.5"), (r"\frac{3}{4}", "0.75")):
            with self.subTest(answer=answer):
                score = self.grade(f"<answer>{answer}</answer>", expected)
                self.assertEqual((score.format_score, score.correctness_score), (1.0, 1.0))

    def test_a_wrong_answer_keeps_its_form(self) -> None:
        score = self.grade("<answer>43</answer>", "42")
        self.assertEqual((score.format_score, score.correctness_score), (1.0, 0.0))
        self.assertIn("Expected 42", score.error_msg)

    def test_an_answer_without_tags_is_none(self) -> None:
        score = self.grade("42", "42")
        self.assertEqual((score.format_score, score.correctness_score), (0.0, 0.0))
        self.assertIn("Missing <answer> tags", score.error_msg)

    def test_two_answers_are_one_too_many(self) -> None:
        score = self.grade("<answer>41</answer> or <answer>42</answer>", "42")
        self.assertEqual((score.format_score, score.correctness_score), (0.4, 0.0))


class CodingTest(RewardFunctionTest):
    def grade(self, code: str, expected: str, language: str = "python"):
        coding = self.rewards["coding"]
        coding.set_language(language)
        return coding.compute_reward(model_output=fenced(code, language), expected_output=expected)

    def test_what_a_program_prints_is_compared(self) -> None:
        self.assertEqual(self.grade("print(2 + 2)", "4").correctness_score, 1.0)
        self.assertEqual(self.grade("console.log(2 + 2)", "4", "javascript").correctness_score, 1.0)
        self.assertEqual(self.grade("print(5)", "4").correctness_score, 0.0)

    def test_a_program_that_breaks_says_so(self) -> None:
        score = self.grade("1 / 0", "4")
        self.assertEqual(score.correctness_score, 0.0)
        self.assertIn("ZeroDivisionError", score.error_msg)


class ExecutorTest(unittest.TestCase):
    def test_programs_run_in_both_languages(self) -> None:
        executor = RewardExecutor(timeout=5)
        self.assertEqual(executor.run_single("print('Hello, World!')", "python"), ("Hello, World!", ""))
        self.assertEqual(executor.run_single("console.log('Hello, World!')", "javascript"), ("Hello, World!", ""))

    def test_a_program_without_end_is_ended(self) -> None:
        self.assertEqual(RewardExecutor(timeout=0.2).run("while True: pass", "python").status, "timeout")


class ParserTest(unittest.TestCase):
    def test_an_example_has_three_heads(self) -> None:
        example = ExampleParser.parse_text(
            "# Prompt\n1+1?\n# Answer\n<answer>2</answer>\n# Response\n<answer>2</answer>"
        )
        self.assertEqual((example["prompt"], example["answer"]), ("1+1?", "2"))


if __name__ == "__main__":
    unittest.main()
