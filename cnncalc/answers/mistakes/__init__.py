"""Which mistake gives a wrong answer: all that are known are made, and the answer is looked up among the results."""
