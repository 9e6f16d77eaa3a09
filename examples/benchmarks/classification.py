"""Classification: accuracy, size and speed beside other methods.

As for regression, on the data sets of the classification suite, with splits that keep the shares of
the classes. The score is the accuracy on the test part; the CSV files have the log loss too, where
a method gives probabilities.
"""

from datasets import CLASSIFICATION
from peers import BOOSTING, CLASSIFIERS, MLP, OURS
from reporting import Recorder
from tabular import check_dense_network, measure, report


def run(recorder: Recorder) -> None:
    comparison = measure(recorder, CLASSIFICATION, CLASSIFIERS, "accuracy")
    check_dense_network(recorder, comparison, "LpReLUClassifierCV", "MLPClassifier", 25)
    loss = comparison.difference(OURS, MLP, "log loss")
    recorder.note(f"Log loss of LpReLUClassifierCV less that of MLPClassifier, mean: {loss:+.4f}.")
    difference = comparison.difference(OURS, BOOSTING)
    recorder.note(
        f"Accuracy of LpReLUClassifierCV less that of HistGradientBoostingClassifier, mean: "
        f"{difference:+.4f}{comparison.left_out(OURS, BOOSTING)}."
    )
    report(recorder, comparison)
