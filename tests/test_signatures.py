"""The docstrings of the estimators say the same of the parameters that they share, and it is so."""

import ast
import inspect
import re
from typing import NamedTuple

import pytest

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
)

#: The estimators, and for a CV class the one that it chooses.
ESTIMATORS = {
    LpReLURegressor: None,
    LpReLUClassifier: None,
    LpReLURegressorCV: LpReLURegressor,
    LpReLUClassifierCV: LpReLUClassifier,
}
OF_A_CHOICE = {
    "p": "several exponents may be given, and 0 may not",
    "n_neurons": "a path begins with half of them",
    "loss": "what it means for a path; the formula stands with the single estimator",
    "random_state": "a path has neither batches nor validation data",
    "verbose": "joblib prints, not training",
}
#: What is said in other words of a parameter that two classes document, and why.
DIFFERENT = {
    (LpReLURegressor, LpReLUClassifier): {
        "p": "0 is for alpha=0, which interpolates, and classifiers do not",
        "alpha": "0 interpolates",
        "n_neurons": "interpolation takes as many as it needs",
        "loss": "other losses",
        "solver": "two solvers interpolate",
        "skip_connection": "the solvers that interpolate have defaults of their own",
        "standardize": "classes have no units",
        "polish": "other losses are not smooth",
        "n_init": "a solver that interpolates divides its time",
        "early_stopping": "the score is the accuracy, and every class is held out",
        "n_iter_no_change": "the score is the accuracy",
    },
    (LpReLURegressorCV, LpReLUClassifierCV): {
        "cv": "folds are stratified by class",
        "scoring": "the score is the accuracy",
        "loss": "other losses",
    },
    (LpReLURegressor, LpReLURegressorCV): OF_A_CHOICE,
    (LpReLUClassifier, LpReLUClassifierCV): OF_A_CHOICE,
}


class Entry(NamedTuple):
    """What a docstring says of a parameter, without regard to line breaks."""

    kind: str
    text: str


def entries(estimator):
    """The entries of the section of parameters, by the names that they are for."""
    doc = inspect.getdoc(estimator)
    section = re.search(r"^Parameters\n-+\n(.*?)\n\n\w[\w ]*\n-+$", doc, re.MULTILINE | re.DOTALL)
    blocks = re.split(r"\n(?=\S)", section[1])
    found = {}
    for block in blocks:
        head, _, body = block.partition("\n")
        names, _, kind = head.partition(" : ")
        found[tuple(names.split(", "))] = Entry(kind, " ".join(body.split()))
    return found


def own_entries(estimator):
    """The entries by name, without those that refer to another class."""
    return {
        name: entry
        for names, entry in entries(estimator).items()
        for name in names
        if not entry.kind.startswith("as for the ")
    }


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_parameters_of_the_signature_are_documented_in_order(estimator):
    documented = [name for names in entries(estimator) for name in names]
    assert documented == list(inspect.signature(estimator).parameters)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_documented_defaults_are_those_of_the_signature(estimator):
    parameters = inspect.signature(estimator).parameters
    for name, entry in own_entries(estimator).items():
        _, _, default = entry.kind.rpartition(", default=")
        assert repr(ast.literal_eval(default)) == repr(parameters[name].default), name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_references_are_to_parameters_of_the_estimator_that_is_chosen(estimator):
    own, chosen = own_entries(estimator), ESTIMATORS[estimator]
    references = {
        names: entry.kind
        for names, entry in entries(estimator).items()
        if len(names) > 1 or names[0] not in own
    }
    assert bool(references) == (chosen is not None)
    for names, kind in references.items():
        assert kind == f"as for the {chosen.__name__}"
        assert set(names) <= set(own_entries(chosen))
        for name in names:
            ours, theirs = (
                inspect.signature(one).parameters[name].default for one in (estimator, chosen)
            )
            assert repr(ours) == repr(theirs), name


@pytest.mark.parametrize(
    "pair", DIFFERENT, ids=lambda pair: "-".join(estimator.__name__ for estimator in pair)
)
def test_shared_parameters_are_documented_in_the_same_words(pair):
    ours, theirs = map(own_entries, pair)
    differing = {name for name in set(ours) & set(theirs) if ours[name] != theirs[name]}
    assert differing == set(DIFFERENT[pair])
