"""Exports compute what the estimator predicts, each checked by running it."""

import ctypes
import io
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    load_wine,
    make_friedman1,
    make_multilabel_classification,
)
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_lpnet import LpReLUClassifier, LpReLUClassifierCV, LpReLURegressor, LpReLURegressorCV
from sklearn_lpnet.export import (
    export_latex,
    export_text,
    register_onnx_converters,
    to_c,
    to_onnx,
    to_torch,
)
from sklearn_lpnet.network import Network

FAST = {"n_neurons": 20, "max_iter": 150, "random_state": 0}
EXPORTS = [export_text, export_latex, to_c]


def _fit(kind):
    """A fitted estimator, and the data."""
    X, y = make_friedman1(n_samples=150, n_features=6, noise=0.3, random_state=0)
    if kind == "regression":
        return LpReLURegressor(**FAST).fit(X, y), X
    if kind == "paper's setting":
        model = LpReLURegressor(**FAST, alpha=1e-3, standardize=False, skip_connection=False)
        return model.fit(X, y), X
    if kind == "column of targets":
        return LpReLURegressor(**FAST).fit(X, y[:, None]), X
    if kind == "several targets":
        return LpReLURegressor(**FAST).fit(X, np.column_stack([y, X[:, 0] - X[:, 1]])), X
    if kind == "constant":
        return LpReLURegressor(**FAST, alpha=1e4).fit(X, y), X
    if kind == "CV":
        return LpReLURegressorCV(**FAST, n_alphas=5, cv=2).fit(X, y), X
    if kind == "classifier CV":
        X, y = load_iris(return_X_y=True)
        return LpReLUClassifierCV(**FAST, n_alphas=5, cv=2).fit(X, y), X
    if kind == "two classes":
        X, y = load_breast_cancer(return_X_y=True)
        return LpReLUClassifier(**FAST).fit(X, np.array(["bad", "good"])[y]), X
    if kind == "true and false":
        X, y = load_breast_cancer(return_X_y=True)
        return LpReLUClassifier(**FAST).fit(X, y == 1), X
    if kind == "hinge":
        X, y = load_breast_cancer(return_X_y=True)
        return LpReLUClassifier(**FAST, loss="hinge").fit(X, y), X
    if kind == "three classes":
        X, y = load_wine(return_X_y=True)
        return LpReLUClassifier(**FAST).fit(X, y), X
    if kind == "three names":
        X, y = load_iris(return_X_y=True)
        return LpReLUClassifier(**FAST).fit(X, np.array(["iris s.", "b", "c"])[y]), X
    if kind == "several labels":
        X, y = make_multilabel_classification(n_samples=150, random_state=0)
        return LpReLUClassifier(**FAST).fit(X, y), X
    raise ValueError(kind)


REGRESSORS = [
    "regression",
    "paper's setting",
    "column of targets",
    "several targets",
    "constant",
    "CV",
]
CLASSIFIERS = [
    "two classes",
    "true and false",
    "hinge",
    "three classes",
    "three names",
    "several labels",
    "classifier CV",
]


@pytest.fixture(scope="module")
def fitted():
    cache = {}

    def fit(kind):
        if kind not in cache:
            cache[kind] = _fit(kind)
        return cache[kind]

    return fit


def _outputs(model, X):
    """What the exported function is to compute, with a column for each output."""
    values = model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)
    return values.reshape(len(X), -1)


def _evaluated(text, names, row):
    """Run the lines of the text as Python."""
    scope = {"max": max, "y": {}, "decision": {}, **dict(zip(names, row.tolist(), strict=True))}
    exec(text, scope)
    value = scope["decision"] if "decision" in text else scope["y"]
    return list(value.values()) if isinstance(value, dict) else [value]


@pytest.mark.parametrize("kind", REGRESSORS + CLASSIFIERS)
def test_text_with_all_digits_computes_the_function(fitted, kind):
    model, X = fitted(kind)
    text = export_text(model, digits=None)
    names = [f"x{j}" for j in range(X.shape[1])]
    values = [_evaluated(text, names, row) for row in X[:40]]
    expected = _outputs(model, X[:40])
    assert_allclose(values, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == expected.shape[1]


def test_text_of_the_exact_interpolant_computes_it():
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(2000, 2030, 30))[:, None], rng.normal(size=30)
    model = LpReLURegressor(alpha=0).fit(x, y)
    text = export_text(model, ["year"], digits=None)
    values = [_evaluated(text, ["year"], row) for row in x]
    assert_allclose(np.ravel(values), y, atol=1e-9)


def test_text_is_short_and_shows_knots():
    x = np.linspace(0, 10, 200)[:, None]
    model = LpReLURegressor(alpha=1e-4, random_state=0).fit(x, 2 + 3 * np.maximum(x[:, 0] - 6, 0))
    line = export_text(model, ["rooms"], digits=2)
    assert line in ("y = 2 + 3*max(0, rooms - 6)", "y = -16 + 3*rooms + 3*max(0, 6 - rooms)")


@pytest.fixture
def by_hand():
    """An estimator with a network that is known in full, in float32 and with an idle neuron."""
    model = LpReLURegressor(**FAST).fit(np.random.default_rng(0).normal(size=(50, 3)), np.ones(50))
    arrays = {
        "direction": [[1.0], [-1.0], [-1.0], [1.0]],
        "theta": [[2.0, 0, 0], [0, -0.5, 0], [0.25, 0, -1.0], [0, 0, 0]],
        "bias": [-13.0, 1.0, 0.0, 0.5],
        "intercept": [22.0],
        "skip": [[1.5, 0, -1.0]],
    }
    model.network_ = Network(**{name: np.array(a, np.float32) for name, a in arrays.items()})
    model.feature_importances_ = np.array([0.5, 0.1, 0.4])
    return model


def test_text_of_a_known_network(by_hand):
    assert export_text(by_hand, ["rm", "age", "tax"]) == (
        "y = 22.5 + 1.5*rm - tax + 2*max(0, rm - 6.5) - max(0, 0.25*rm - tax) - 0.5*max(0, 2 - age)"
    )


def test_latex_of_a_known_network(by_hand):
    assert export_latex(by_hand, ["rm", "age", "tax_1"]) == "\n".join(
        [
            r"\begin{aligned}",
            r"f(x) ={}& 22.5 + 1.5\,\mathrm{rm} - \mathrm{tax\_1} \\",
            r"&{} + 2\,\max(0,\, \mathrm{rm} - 6.5) \\",
            r"&{} - \max(0,\, 0.25\,\mathrm{rm} - \mathrm{tax\_1}) \\",
            r"&{} - 0.5\,\max(0,\, 2 - \mathrm{age})",
            r"\end{aligned}",
        ]
    )


@pytest.mark.parametrize(("offset", "unit"), [(2460370.5, 1 / 24), (1.7e15, 3.6e9), (-122.0, 0.02)])
def test_features_far_from_zero_get_the_digits_that_the_function_needs(offset, unit):
    k = np.arange(240.0)
    x = (offset + k * unit)[:, None]
    y = 9 * np.abs(k - 100) / 140
    model = LpReLURegressor(random_state=0).fit(x, y)
    computed = [_evaluated(export_text(model), ["x0"], row) for row in x]
    predicted = model.predict(x)
    assert r2_score(predicted, np.ravel(computed)) >= 0.9999


def test_a_plane_over_longitude_and_latitude_is_written_as_it_is():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-124.3, -114.3, 300), rng.uniform(32.5, 42.0, 300)])
    y = X[:, 0] + 1.2 * X[:, 1] + np.maximum(0, X[:, 1] - 37)
    model = LpReLURegressor(random_state=0).fit(X, y)
    computed = [_evaluated(export_text(model), ["x0", "x1"], row) for row in X]
    assert r2_score(model.predict(X), np.ravel(computed)) >= 0.9999


def test_digits_before_the_point_stay():
    x = np.linspace(0, 10, 50)[:, None]
    model = LpReLURegressor(alpha=1e-4, random_state=0).fit(x, 123456 + 0 * x[:, 0])
    assert export_text(model, digits=3) == "y = 123456"


def test_names_become_distinct_names_of_python():
    rng = np.random.default_rng(0)
    names = ["mean radius", "mean_radius", "class", "max", "3d", "größe (cm)", "y"]
    X = rng.normal(size=(60, len(names)))
    model = LpReLURegressor(**FAST, alpha=1e-4, skip_connection=True).fit(X, X.sum(axis=1))
    text = export_text(model, names, digits=None)
    python = ["mean_radius_", "mean_radius", "class_", "max_", "_3d", "größe_cm", "y_"]
    for name in python:
        assert f"*{name}" in text
    assert_allclose([_evaluated(text, python, row)[0] for row in X], model.predict(X), rtol=1e-10)


def test_names_seen_during_fit_are_used():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LpReLURegressor(random_state=0).fit(X, y)
    used = model.feature_names_in_[model.network_.used_features]
    for text in (export_text(model), export_latex(model), to_c(model)):
        for name in used:
            assert name in text


def test_classifiers_say_what_follows_from_the_decision(fitted):
    model, _ = fitted("two classes")
    assert export_text(model).splitlines()[0] == (
        "# P('good') = 1/(1 + exp(-decision)); 'good' is predicted where decision > 0, else 'bad'"
    )
    assert "P(" not in export_text(fitted("hinge")[0])
    assert "\ndecision['iris s.'] = " in export_text(fitted("three names")[0])


@pytest.mark.parametrize("kind", ["regression", "several targets", "three names", "constant"])
def test_latex_is_mathematics_that_can_be_set(fitted, kind):
    mathtext = pytest.importorskip("matplotlib.mathtext").MathTextParser("path")
    model, X = fitted(kind)
    names = [f"a_{j}^2 & {{b}} 50%" for j in range(X.shape[1])]
    for text in (export_latex(model), export_latex(model, names)):
        lines = text.splitlines()
        assert lines[0] == r"\begin{aligned}"
        assert lines[-1] == r"\end{aligned}"
        for line in lines[1:-1]:
            line = line.removesuffix(r"\\")
            left, ampersand, right = line.partition("={}&" if "={}&" in line else "&")
            assert ampersand
            formula = f"${left}{right}$"
            mathtext.parse(formula.replace(r"\&", "+"))  # mathtext does not know it


def test_latex_writes_powers_of_ten():
    x = np.linspace(0, 1, 50)[:, None]
    model = LpReLURegressor(alpha=1e-6, random_state=0).fit(x, 2.5e-7 * x[:, 0])
    assert r"2.5 \cdot 10^{-7}\,x_{0}" in export_latex(model, digits=2)


@pytest.mark.parametrize("kind", REGRESSORS + CLASSIFIERS)
def test_torch_module_is_the_function(fitted, kind):
    torch = pytest.importorskip("torch")
    model, X = fitted(kind)
    module = to_torch(model)
    expected = model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)
    with torch.no_grad():
        outputs = module(torch.from_numpy(X)).numpy()
    assert outputs.shape == expected.shape
    assert outputs.dtype == np.float64
    assert_allclose(outputs, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())
    assert module.theta.shape == (model.n_active_neurons_, len(model.network_.used_features))


def test_torch_module_can_be_saved_scripted_and_trained(fitted):
    import torch

    model, X = fitted("regression")
    module, x = to_torch(model), torch.from_numpy(X)
    again = [pickle.loads(pickle.dumps(module)), torch.jit.script(module)]
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    loaded = to_torch(model)
    loaded.load_state_dict(torch.load(buffer))
    for other in [*again, loaded]:
        assert torch.equal(other(x), module(x))
    module(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    with pytest.raises(ValueError, match="6 features, got 5"):
        module(x[:, :5])


@pytest.fixture
def run_onnx():
    pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")

    def run(onnx_model, X):
        session = onnxruntime.InferenceSession(
            onnx_model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        values = session.run(None, {session.get_inputs()[0].name: X})
        return dict(zip((one.name for one in session.get_outputs()), values, strict=True))

    return run


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", REGRESSORS)
def test_onnx_of_regressors(fitted, run_onnx, kind, dtype):
    model, X = fitted(kind)
    X = X.astype(dtype)
    (values,) = run_onnx(to_onnx(model, X), X).values()
    expected = _outputs(model, X)
    assert values.dtype == dtype
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    assert_allclose(values, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_onnx_of_classifiers(fitted, run_onnx, kind, dtype):
    model, X = fitted(kind)
    X = X.astype(dtype)
    values = run_onnx(to_onnx(model, X), X)
    assert list(values) == ["label", "probabilities"]
    if kind == "hinge":
        decision = model.decision_function(X)
        expected = np.column_stack([-decision, decision])
    else:
        expected = model.predict_proba(X)
    assert_allclose(values["probabilities"], expected, atol=1e-5 * max(1, np.abs(expected).max()))
    assert_array_equal(values["label"].astype(model.predict(X).dtype), model.predict(X))


@pytest.mark.parametrize("kind", ["regression", "two classes", "three classes"])
def test_onnx_of_a_pipeline(run_onnx, kind):
    model, X = _fit(kind)
    target = model.predict(X)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, target)
    X = X.astype(np.float32)
    values = run_onnx(to_onnx(pipeline, X), X)
    if kind == "regression":
        assert_allclose(values["variable"][:, 0], pipeline.predict(X), rtol=1e-4, atol=1e-4)
    else:
        assert_allclose(values["probabilities"], pipeline.predict_proba(X), atol=1e-4)
        assert_array_equal(values["label"], pipeline.predict(X))


@pytest.mark.parametrize("step", [SimpleImputer(), PolynomialFeatures(2)])
def test_onnx_of_a_pipeline_that_is_for_float32_says_so(run_onnx, step):
    model, X = _fit("regression")
    pipeline = make_pipeline(step, model).fit(X, model.predict(X))
    with pytest.raises(ValueError, match=rf"{type(step).__name__}.*astype\(np.float32\)"):
        to_onnx(pipeline, X.astype(np.float64))
    X = X.astype(np.float32)
    values = run_onnx(to_onnx(pipeline, X), X)
    assert_allclose(values["variable"][:, 0], pipeline.predict(X), rtol=1e-4, atol=1e-4)


def test_onnx_of_a_transformed_target_names_the_regressor_to_convert(run_onnx):
    model, X = _fit("regression")
    outer = TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh)
    outer.fit(X, model.predict(X))
    with pytest.raises(TypeError, match=r"regressor_.*inverse"):
        to_onnx(outer, X)
    values = run_onnx(to_onnx(outer.regressor_, X), X)
    assert_allclose(np.sinh(values["variable"][:, 0]), outer.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["two classes", "three names", "several labels"])
def test_skl2onnx_converts_a_pipeline_once_the_converters_are_registered(run_onnx, kind):
    skl2onnx = pytest.importorskip("skl2onnx")
    model, X = _fit(kind)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, model.predict(X))
    register_onnx_converters()
    X = X.astype(np.float32)
    label, probabilities = run_onnx(skl2onnx.to_onnx(pipeline, X[:1]), X).values()
    assert_array_equal(label, pipeline.predict(X))
    expected = pipeline.predict_proba(X)
    assert_allclose([list(one.values()) for one in probabilities], expected, atol=1e-4)
    raw = {"zipmap": False, "raw_scores": True}
    converted = skl2onnx.to_onnx(pipeline, X[:1], options={id(model): raw})
    scores = run_onnx(converted, X)["probabilities"]
    decision = _outputs(pipeline, X)
    assert_allclose(scores[:, -decision.shape[1] :], decision, atol=1e-4 * np.abs(decision).max())


def test_onnx_takes_an_older_opset_and_data_of_other_kinds(fitted, run_onnx):
    model, X = fitted("regression")
    integers = np.arange(12).reshape(2, 6)
    for sample in (pd.DataFrame(X), X.tolist(), integers):
        onnx_model = to_onnx(model, sample, target_opset=13)
        assert onnx_model.opset_import[0].version <= 13
        double = sample is not integers
        (values,) = run_onnx(onnx_model, X if double else X.astype(np.float32)).values()
        assert_allclose(values[:, 0], model.predict(X), rtol=1e-4, atol=1e-4)


def test_onnx_wants_data_that_fit(fitted):
    pytest.importorskip("skl2onnx")
    model, X = fitted("regression")
    with pytest.raises(ValueError, match=r"\(n_samples, 6\), got \(150, 5\)"):
        to_onnx(model, X[:, :5])


def test_onnx_in_float32_refuses_weights_beyond_it(run_onnx):
    x = np.linspace(0, 1, 50)[:, None]
    model = LpReLURegressor(alpha=1e-4, random_state=0).fit(x, 1e50 * x[:, 0])
    with pytest.raises(ValueError, match="beyond the range of float32"):
        to_onnx(model, x.astype(np.float32))
    (values,) = run_onnx(to_onnx(model, x), x).values()
    assert_allclose(values[:, 0], model.predict(x))


@pytest.fixture
def compiled(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")

    def compile_(source, function_name, dtype, n_outputs):
        (tmp_path / "net.c").write_text(source, encoding="utf-8")
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]
        command = [compiler, *flags, "-o", str(tmp_path / "net.so"), str(tmp_path / "net.c")]
        subprocess.run(command, check=True, capture_output=True)
        function = getattr(ctypes.CDLL(str(tmp_path / "net.so")), function_name)
        array = np.ctypeslib.ndpointer(dtype, flags="C_CONTIGUOUS")
        function.argtypes, function.restype = [array, array], None

        def evaluate(X):
            result = np.full((len(X), n_outputs), -1, dtype)
            for x, y in zip(np.ascontiguousarray(X, dtype), result, strict=True):
                function(x, y)
            return result

        return evaluate

    return compile_


@pytest.mark.parametrize("kind", REGRESSORS + CLASSIFIERS)
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_c_computes_the_function(fitted, compiled, kind, dtype):
    model, X = fitted(kind)
    numbers = {"float": np.float32, "double": np.float64}[dtype]
    expected = _outputs(model, X)
    source = to_c(model, function_name="net", dtype=dtype)
    function = compiled(source, "net", numbers, expected.shape[1])
    rtol = 1e-4 if dtype == "float" else 1e-12
    assert_allclose(function(X), expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    if model.n_active_neurons_:
        assert np.isnan(function(np.full_like(X[:1], np.nan))).any()


def test_c_survives_hostile_names(compiled):
    x = np.linspace(0, 1, 50)[:, None]
    model = LpReLURegressor(alpha=1e-4, random_state=0).fit(x, 3 * np.abs(x[:, 0] - 0.4))
    function = compiled(to_c(model, ["*/ #error /* \n é \\"]), "predict", np.float32, 1)
    assert_allclose(function(x)[:, 0], model.predict(x), atol=1e-5)


def test_c_keeps_precision_near_a_knot_far_from_zero(compiled):
    x = np.linspace(1999, 2001, 201)[:, None]
    model = LpReLURegressor(alpha=0, skip_connection=True).fit(
        x[[0, 100, 200]], np.array([0.0, 0.0, 1000.0])
    )
    function = compiled(to_c(model), "predict", np.float32, 1)
    assert_allclose(function(x)[:, 0], model.predict(x.astype(np.float32)), atol=1e-2)


def test_c_refuses_what_it_cannot_write(fitted):
    model, _ = fitted("regression")
    with pytest.raises(ValueError, match="function_name must be a name in C, got 'for'"):
        to_c(model, function_name="for")
    with pytest.raises(ValueError, match="function_name must be a name in C, got 'a b'"):
        to_c(model, function_name="a b")
    with pytest.raises(ValueError, match="dtype must be 'float' or 'double', got 'half'"):
        to_c(model, dtype="half")
    x = np.linspace(0, 1, 50)[:, None]
    huge = LpReLURegressor(alpha=1e-4, random_state=0).fit(x, 1e50 * x[:, 0])
    with pytest.raises(ValueError, match="beyond the range of float; use dtype='double'"):
        to_c(huge)


@pytest.mark.parametrize("export", EXPORTS)
def test_wrong_feature_names_are_refused(fitted, export):
    model, _ = fitted("regression")
    with pytest.raises(ValueError, match="feature_names must name all 6 features, got 2"):
        export(model, ["a", "b"])
    with pytest.raises(ValueError, match="feature_names must name all 6 features"):
        export(model, "abcdef")
    with pytest.raises(ValueError, match="must not repeat a name, got 'a' twice"):
        export(model, ["a", "a", "b", "c", "d", "e"])


@pytest.mark.parametrize("digits", [0, -1, 2.5, "4"])
@pytest.mark.parametrize("export", [export_text, export_latex])
def test_wrong_digits_are_refused(fitted, export, digits):
    with pytest.raises(ValueError, match="digits must be a positive integer or None"):
        export(fitted("regression")[0], digits=digits)


@pytest.mark.parametrize("export", [*EXPORTS, to_torch, lambda model: to_onnx(model, [[0.0]])])
def test_what_is_not_a_fitted_estimator_of_ours_is_refused(export):
    with pytest.raises(NotFittedError):
        export(LpReLURegressor())
    with pytest.raises(NotFittedError):
        export(LpReLUClassifierCV())
    with pytest.raises(TypeError, match="got LinearRegression"):
        export(LinearRegression())


@pytest.mark.parametrize("missing", ["skl2onnx", "onnx"])
def test_missing_onnx_names_the_extra(fitted, monkeypatch, missing):
    for name in list(sys.modules):
        if name.partition(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    model, X = fitted("regression")
    with pytest.raises(ImportError, match=r"needs \w*onnx, .*'sklearn-lpnet\[export\]'"):
        to_onnx(model, X)


def test_importing_the_module_imports_neither_torch_nor_onnx():
    code = (
        "import sys, sklearn_lpnet.export; "
        "print([name for name in ('torch', 'onnx', 'skl2onnx') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
