"""Pictures, one idea a file; `sklearn_lpnet.plotting` names them."""
