"""What functions of other libraries make of a jet: they do not know one, and say so in words."""

from __future__ import annotations

from typing import Any, NoReturn

_REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
}  # fmt: skip


class OwnFunctions:
    """A base for what has its functions as methods, and does arithmetic with numbers itself."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Numbers of NumPy leave arithmetic to the jet."""
        if method == "__call__" and ufunc.__name__ in _REFLECTED and inputs[-1] is self:
            return getattr(self, _REFLECTED[ufunc.__name__])(inputs[0])
        _refuse(f"np.{ufunc.__name__}")

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> NoReturn:
        """PyTorch takes this for what the arithmetic of its tensors leaves to the jet, too."""
        _refuse(f"torch.{getattr(function, '__name__', 'a function')}")

    def __float__(self) -> float:
        """What `math` asks for."""
        _refuse("a function of numbers")


def _refuse(name: str) -> NoReturn:
    """Raise.

    Raises
    ------
    TypeError
        Always.
    """
    raise TypeError(
        f"{name} does not know jets: write their methods, u.exp() in place of np.exp(u); "
        "there are exp, log, sqrt, sin, cos, tanh, sigmoid, softplus, positive, reciprocal"
    )
