"""Displays show what the estimators compute, and draw whatever they are fitted to."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_moons,
    make_multilabel_classification,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)
from sklearn_lpnet.network import Network
from sklearn_lpnet.plotting import (
    FunctionDisplay,
    HistoryDisplay,
    ImportanceDisplay,
    NetworkDisplay,
    PathDisplay,
)

FAST = {"n_neurons": 20, "max_iter": 150, "random_state": 0}


@pytest.fixture(autouse=True)
def plt():
    """matplotlib without a screen; every figure is drawn once and then closed."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    yield pyplot
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


@pytest.fixture(scope="module")
def hinge_data():
    """One feature and a function that bends at 0 and 1."""
    x = np.random.default_rng(0).uniform(-3, 3, 200)[:, None]
    return x, np.abs(x[:, 0]) - 1.5 * np.maximum(0, x[:, 0] - 1)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    return X, y, LpReLURegressor(random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X, y, LpReLUClassifier(random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    return X, names, LpReLUClassifier(**FAST).fit(X, names)


@pytest.fixture(scope="module")
def constant():
    X, y = load_diabetes(return_X_y=True)
    return X, y, LpReLURegressor(**FAST, alpha=1e6).fit(X, y)


# FunctionDisplay


def test_a_curve_is_the_prediction_and_its_dots_are_the_kinks(hinge_data):
    X, y = hinge_data
    model = LpReLURegressor(alpha=1e-5, random_state=0).fit(X, y)
    display = FunctionDisplay.from_estimator(model, X, y, feature_names=["dose"])
    curve, dots = display.ax_.lines
    assert_allclose(curve.get_ydata(), model.predict(curve.get_xdata()[:, None]), atol=1e-10)
    assert_allclose(dots.get_ydata(), model.predict(dots.get_xdata()[:, None]), atol=1e-10)
    for kink in (0, 1):
        assert np.abs(dots.get_xdata() - kink).min() < 0.05
    slopes = np.diff(curve.get_ydata()) / np.diff(curve.get_xdata())
    bends = curve.get_xdata()[1:-1][np.abs(np.diff(slopes)) > 1e-8]
    assert set(bends) <= set(dots.get_xdata())
    assert display.ax_.get_xlabel() == "dose"
    assert_array_equal(display.ax_.collections[0].get_offsets(), np.column_stack([X, y]))


def test_every_output_has_a_curve(hinge_data):
    X, y = hinge_data
    model = LpReLURegressor(**FAST).fit(X, np.column_stack([y, -y]))
    display = FunctionDisplay.from_estimator(model, X, np.column_stack([y, -y]))
    curves = [line for line in display.ax_.lines if line.get_linestyle() == "-"]
    x = curves[0].get_xdata()
    drawn = np.column_stack([curve.get_ydata() for curve in curves])
    assert_allclose(drawn, model.predict(x[:, None]), atol=1e-10)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["y[0]", "y[1]"]
    one = FunctionDisplay.from_estimator(model, X, output=1)
    assert_allclose(one.ax_.lines[0].get_ydata(), drawn[:, 1])


def test_contours_are_the_prediction_and_lines_are_where_neurons_bend():
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = 2 * np.maximum(0, X[:, 0] + X[:, 1]) - np.maximum(0, X[:, 0] - 0.3)
    model = LpReLURegressor(**FAST).fit(X, y)
    display = FunctionDisplay.from_estimator(model, X, y, grid_resolution=30)
    mesh = np.stack([one.ravel() for one in np.meshgrid(*display.grid)], axis=1)
    assert_allclose(display.values[0].ravel(), model.predict(mesh), atol=1e-10)
    inputs = model.coefs_[0], model.intercepts_[0]
    assert len(display.ax_.lines) == model.n_active_neurons_
    for line in display.ax_.lines:
        ends = np.array([line.get_xy1(), line.get_xy2()])
        assert np.ptp(ends, axis=0).max() > 0
        assert np.abs(ends @ inputs[0] + inputs[1]).max(axis=0).min() < 1e-10


def test_decision_regions_are_the_predicted_classes():
    X, y = make_moons(200, noise=0.2, random_state=0)
    model = LpReLUClassifier(**FAST).fit(X, y)
    display = FunctionDisplay.from_estimator(model, X, y)
    boundary = display.ax_.collections[3].get_paths()[0].vertices
    scale = np.abs(model.decision_function(X)).max()
    assert np.abs(model.decision_function(boundary)).max() < 0.02 * scale
    X, names = load_iris(return_X_y=True)[0][:, 2:], np.array(["a", "b", "c"])[load_iris().target]
    model = LpReLUClassifier(**FAST).fit(X, names)
    display = FunctionDisplay.from_estimator(model, X, names, grid_resolution=40)
    mesh = np.stack([one.ravel() for one in np.meshgrid(*display.grid)], axis=1)
    region = np.asarray(display.ax_.collections[0].get_array()).astype(int).ravel()
    assert_array_equal(model.classes_[region], model.predict(mesh))
    assert [one.get_text() for one in display.ax_.get_legend().get_texts()] == ["a", "b", "c"]


@pytest.mark.parametrize("hold", ["median", "mean"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_slice_holds_the_other_features(diabetes, hold, sparse):
    X, y, model = diabetes
    data = sp.csr_matrix(X.to_numpy()) if sparse else X
    if sparse:
        model = LpReLURegressor(random_state=0).fit(X.to_numpy(), y)
    names = list(X.columns)
    display = FunctionDisplay.from_estimator(
        model, data, y, features="bmi", hold=hold, feature_names=names
    )
    curve = display.ax_.lines[0]
    rows = np.tile(getattr(X, hold)().to_numpy(), (len(curve.get_xdata()), 1))
    rows[:, names.index("bmi")] = curve.get_xdata()
    inputs = (
        rows
        if sparse
        else X.iloc[:1].reindex([0] * len(rows)).assign(**dict(zip(names, rows.T, strict=True)))
    )
    assert_allclose(curve.get_ydata(), model.predict(inputs), rtol=1e-9)
    assert display.ax_.get_title() == f"other features at their {hold}"
    plane = FunctionDisplay.from_estimator(model, data, features=[2, 8], feature_names=names)
    assert (plane.ax_.get_xlabel(), plane.ax_.get_ylabel()) == ("bmi", "s5")


def test_classifiers_of_one_feature_and_of_labels_are_drawn(cancer, plt):
    X, y, _ = cancer
    X = X[["worst radius"]]
    model = LpReLUClassifier(**FAST).fit(X, y)
    display = FunctionDisplay.from_estimator(model, X, y)
    curve = display.ax_.lines[0]
    x = X.iloc[[0] * len(curve.get_xdata())].assign(**{"worst radius": curve.get_xdata()})
    assert_allclose(curve.get_ydata(), model.decision_function(x), atol=1e-10)
    assert display.ax_.get_ylabel() == "decision function"
    X, labels = make_multilabel_classification(n_features=2, n_classes=3, random_state=0)
    model = LpReLUClassifier(**FAST).fit(X, labels)
    FunctionDisplay.from_estimator(model, X, labels, features=[0, 1], output=1)
    FunctionDisplay.from_estimator(model, X, labels, features=0)


def test_what_does_not_fit_into_a_picture_is_refused(diabetes, iris):
    X, y, model = diabetes
    with pytest.raises(ValueError, match=r"uses \d features, .*'bmi'.*features=\[...\]"):
        FunctionDisplay.from_estimator(model, X, y)
    for features in ("weight", ["bmi", "weight"], 10, -1, [0, 1, 2], []):
        with pytest.raises(ValueError, match="features must be one or two names or indices"):
            FunctionDisplay.from_estimator(model, X, y, features=features)
    with pytest.raises(ValueError, match="features must not repeat"):
        FunctionDisplay.from_estimator(model, X, y, features=["bmi", 2])
    with pytest.raises(ValueError, match="hold must be 'median' or 'mean', got 'mode'"):
        FunctionDisplay.from_estimator(model, X, y, features="bmi", hold="mode")
    with pytest.raises(ValueError, match=r"output must be one of \[0\], got 1"):
        FunctionDisplay.from_estimator(model, X, y, features="bmi", output=1)
    with pytest.raises(ValueError, match="grid_resolution must be at least 2, got 1"):
        FunctionDisplay.from_estimator(model, X, y, features="bmi", grid_resolution=1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FunctionDisplay.from_estimator(model, X, y[:-1], features="bmi")
    two = LpReLURegressor(**FAST).fit(X.iloc[:, :2], np.column_stack([y, -y]))
    with pytest.raises(ValueError, match="room for one of the 2 outputs"):
        FunctionDisplay.from_estimator(two, X.iloc[:, :2], features=[0, 1])
    with pytest.raises(ValueError, match="classes are drawn together"):
        FunctionDisplay.from_estimator(iris[2], iris[0], features=[0, 1], output=1)


# HistoryDisplay and PathDisplay


def test_history_shows_losses_and_sizes(cancer):
    *_, model = cancer
    display = HistoryDisplay.from_estimator(model)
    drawn = {line.get_label(): line for axes in display.ax_ for line in axes.lines}
    for name in ("objective", "loss", "nonzero weights", "active neurons"):
        column = {"nonzero weights": "n_nonzero_weights", "active neurons": "n_active_neurons"}
        assert_array_equal(drawn[name].get_ydata(), model.history_[column.get(name, name)])
        assert_array_equal(drawn[name].get_xdata(), model.history_["iteration"])
    assert display.ax_[1].get_yscale() == "log"
    assert display.plot(log_scale=False).ax_[1].get_yscale() == "linear"


def test_history_of_what_was_computed_at_once_is_a_dot(hinge_data):
    x, y = hinge_data
    display = HistoryDisplay.from_estimator(LpReLURegressor(alpha=0).fit(x, y))
    assert all(line.get_marker() == "o" for axes in display.ax_ for line in axes.lines)


def test_path_of_cross_validation_shows_the_mean_and_its_error(diabetes):
    X, y, _ = diabetes
    model = LpReLURegressorCV(**FAST, p=[0.5, 1.0], n_alphas=8, cv=3).fit(X, y)
    display = PathDisplay.from_estimator(model)
    upper, lower = display.ax_
    rows = [i for i, one in enumerate(model.cv_results_["params"]) if one["p"] == model.p_]
    scores = np.array([model.cv_results_[f"split{k}_test_score"][rows] for k in range(3)])
    assert_allclose(upper.lines[0].get_ydata(), model.cv_results_["mean_test_score"][rows])
    assert_allclose(upper.lines[1].get_ydata(), model.path_.scores)
    band = upper.collections[0].get_paths()[0].vertices[:, 1]
    error = scores.std(axis=0, ddof=1) / np.sqrt(3)
    assert_allclose(band.max(), (scores.mean(axis=0) + error).max())
    assert_allclose(band.min(), (scores.mean(axis=0) - error).min())
    assert_array_equal(lower.lines[0].get_ydata(), model.path_.n_nonzero_weights)
    assert upper.lines[-1].get_xdata()[0] == model.alpha_
    assert f"p = {model.p_:g}" in lower.get_xlabel()


def test_path_of_an_information_criterion_shows_it(iris):
    X, y, _ = iris
    model = LpReLUClassifierCV(**FAST, n_alphas=8, selection="ebic").fit(X, y)
    display = PathDisplay.from_estimator(model)
    assert display.ax_[0].get_ylabel() == "EBIC"
    assert_array_equal(display.ax_[0].lines[0].get_ydata(), model.cv_results_["criterion"])


def test_path_itself_is_drawn_with_validation_scores(diabetes, plt):
    X, y, _ = diabetes
    path = lp_path(X[:300], y[:300], n_alphas=8, X_val=X[300:], y_val=y[300:], **FAST)
    _, axes = plt.subplots(2)
    display = PathDisplay.from_path(path, chosen=path.alphas[3], ax=axes)
    assert list(display.ax_) == list(axes)
    assert_array_equal(axes[0].lines[0].get_ydata(), path.scores)
    assert_array_equal(axes[0].lines[1].get_ydata(), path.validation_scores)
    assert axes[0].lines[2].get_xdata()[0] == path.alphas[3]
    assert axes[0].get_ylabel() == "R²"
    with pytest.raises(ValueError, match="sequence of two Axes"):
        PathDisplay.from_path(path, ax=axes[0])


def test_an_estimator_without_a_path_is_refused(diabetes):
    with pytest.raises(TypeError, match=r"LpReLURegressorCV or .* got LpReLURegressor;"):
        PathDisplay.from_estimator(diabetes[2])


# NetworkDisplay and ImportanceDisplay


def _edges(display):
    """Ends, colour and width of each line of a diagram."""
    return sorted(
        (*line.get_xdata(), *line.get_ydata(), line.get_color(), line.get_linewidth())
        for line in display.ax_.lines
        if len(line.get_xdata()) == 2 and line.get_marker() == "None"
    )


def test_diagram_has_a_line_for_each_weight(cancer):
    X, _, model = cancer
    display = NetworkDisplay.from_estimator(model)
    network = model.network_
    linear = int(network.skip.any())
    expected = np.count_nonzero(network.theta) + np.count_nonzero(network.skip)
    assert len(_edges(display)) == expected + model.n_active_neurons_ + linear
    texts = {text.get_text() for text in display.ax_.texts}
    assert texts == {*X.columns[network.used_features], "1"}
    negative = np.count_nonzero(network.theta < 0) + np.count_nonzero(network.skip < 0)
    negative += np.count_nonzero(network.direction[network.active] < 0)
    assert [edge[4] for edge in _edges(display)].count("#D55E00") == negative


def test_diagram_of_several_outputs_has_a_linear_neuron_for_each_feature(iris):
    *_, model = iris
    display = NetworkDisplay.from_estimator(model, list("abcd"))
    network = model.network_
    linear = np.count_nonzero(network.skip.any(axis=0))
    assert display.diagram.linear.sum() == linear
    into = np.count_nonzero(network.theta) + linear
    out = np.count_nonzero(network.direction[network.active]) + np.count_nonzero(network.skip)
    assert len(_edges(display)) == into + out
    texts = {text.get_text() for text in display.ax_.texts}
    assert texts <= {"a", "b", "c", "d", "setosa", "versicolor", "virginica"}


def test_widths_do_not_depend_on_the_units_of_features():
    X, y = load_diabetes(return_X_y=True)
    units = 2.0 ** np.arange(-5, 5)
    one = NetworkDisplay.from_estimator(LpReLURegressor(**FAST).fit(X, y))
    other = NetworkDisplay.from_estimator(LpReLURegressor(**FAST).fit(X * units, y))
    assert len(_edges(one)) > 5
    for edge, same in zip(_edges(one), _edges(other), strict=True):
        assert edge[4] == same[4]
        assert_allclose(edge[:4] + edge[5:], same[:4] + same[5:], rtol=1e-4, atol=1e-6)


def test_lines_do_not_cross_where_they_need_not():
    # Eight neurons of a feature each, in an order that crosses: the diagram undoes it.
    X, y = load_diabetes(return_X_y=True)
    model = LpReLURegressor(**FAST).fit(X[:, :8], y)
    model.network_ = Network(
        direction=np.ones((8, 1)),
        theta=np.eye(8)[[3, 6, 1, 7, 0, 4, 2, 5]],
        bias=np.zeros(8),
        intercept=np.zeros(1),
        skip=np.zeros((1, 8)),
    )
    edges = [edge for edge in _edges(NetworkDisplay.from_estimator(model)) if edge[0] == 0]
    assert len(edges) == 8
    assert all(left == right for _, _, left, right, *_ in edges)


def test_bars_are_the_importances_largest_first(cancer):
    X, _, model = cancer
    display = ImportanceDisplay.from_estimator(model, max_features=4)
    widths = [bar.get_width() for bar in display.ax_.patches]
    assert_allclose(widths, np.sort(model.feature_importances_)[::-1][:4])
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == X.columns[np.argsort(-model.feature_importances_)[:4]].tolist()
    assert "4 of" in display.ax_.get_xlabel()
    everything = ImportanceDisplay.from_estimator(model)
    assert len(everything.ax_.patches) == len(model.network_.used_features)
    with pytest.raises(ValueError, match="max_features must be at least 1, got 0"):
        ImportanceDisplay.from_estimator(model, max_features=0)


# All of them


@pytest.fixture(
    params=[FunctionDisplay, HistoryDisplay, NetworkDisplay, ImportanceDisplay],
    ids=lambda display: display.__name__,
)
def draw(request):
    def draw_(model, X, y, **options):
        data = (X, y) if request.param is FunctionDisplay else ()
        return request.param.from_estimator(model, *data, **options)

    return draw_


def test_a_constant_network_is_drawn(draw, constant):
    X, y, model = constant
    assert model.n_nonzero_weights_ == 0
    draw(model, X, y).figure_.canvas.draw()


def test_a_constant_network_shows_its_value(constant):
    X, y, model = constant
    curve = FunctionDisplay.from_estimator(model, X, y).ax_.lines[0]
    assert_allclose(curve.get_ydata(), y.mean(), rtol=1e-6)
    texts = [text.get_text() for text in NetworkDisplay.from_estimator(model).ax_.texts]
    assert texts == ["y: constant 152"]


def test_given_axes_are_drawn_into(hinge_data, plt):
    X, y = hinge_data
    model = LpReLURegressor(**FAST).fit(X, y)
    figure, axes = plt.subplots(1, 3)
    displays = [
        FunctionDisplay.from_estimator(model, X, y, ax=axes[0]),
        NetworkDisplay.from_estimator(model, ax=axes[1]),
        ImportanceDisplay.from_estimator(model, ax=axes[2]),
    ]
    for display, ax in zip(displays, axes, strict=True):
        assert display.ax_ is ax
        assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]


def test_what_is_not_a_fitted_estimator_of_ours_cannot_be_drawn(draw):
    with pytest.raises(NotFittedError):
        draw(LpReLURegressor(), [[0.0]], [0.0])
    with pytest.raises(TypeError, match="got LinearRegression"):
        draw(LinearRegression(), [[0.0]], [0.0])
    with pytest.raises(NotFittedError):
        PathDisplay.from_estimator(LpReLURegressorCV())


def test_missing_matplotlib_names_the_extra(draw, constant, monkeypatch):
    X, y, model = constant
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-lpnet\[plot\]'"):
        draw(model, X, y)


def test_importing_the_module_imports_neither_torch_nor_matplotlib():
    code = (
        "import sys, sklearn_lpnet.plotting; "
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
