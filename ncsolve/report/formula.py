"""LaTeX formulas as plain text: \\frac{\\mu}{L} as μ/L."""

from __future__ import annotations

import re

__all__ = ["readable"]

SYMBOLS = {
    "le": "≤", "ge": "≥", "nabla": "∇", "sum": "∑", "to": "→", "sim": "~", "in": "∈", "infty": "∞", "succeq": "⪰",
    "preceq": "⪯", "succ": "≻", "prec": "≺", "subset": "⊂", "cdot": "·", "mid": "|", "Rightarrow": "⇒", "lceil": "⌈",
    "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "times": "×", "neq": "≠", "ne": "≠", "approx": "≈", "pm": "±",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "varphi": "φ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ",
    "Lambda": "Λ", "Omega": "Ω", "Gamma": "Γ", "Theta": "Θ", "partial": "∂", "int": "∫", "perp": "⊥", "angle": "∠",
    "ell": "ℓ", "ldots": "...", "dots": "...", "prod": "∏",
    "qquad": "   ", "quad": "  ", "left": "", "right": "", "Big": "", "big": "", "bigl": "", "bigr": "", "Bigl": "",
    "Bigr": "", "|": "‖",
}  # fmt: skip
"""Other commands are their names: \\max is max."""
KEPT = ("mathrm", "text", "operatorname", "tilde", "hat", "bar", "mathcal", "mathbb", "mathbf")
POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
ARGUMENT = r"\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\[A-Za-z]+|\S)"


def readable(latex: str) -> str:
    """A formula in one line of Unicode; fractions with a slash, in parentheses where they need them."""
    text = re.sub(r"\\begin\{.matrix\}(.+?)\\end\{.matrix\}", _matrix, latex)
    text = _fractions(text)
    text = re.sub(r"\\sqrt" + ARGUMENT, lambda m: f"√{_grouped(_inner(m[1]))}", text)
    text = re.sub(rf"\\(?:{'|'.join(KEPT)})" + ARGUMENT, lambda m: _inner(m[1]), text)
    text = re.sub(r"\\[,;:!]", " ", text).replace(r"\ ", " ").replace(r"\{", "⦃").replace(r"\}", "⦄")
    text = re.sub(r"\\([A-Za-z]+|\|)", lambda m: SYMBOLS.get(m[1], m[1]), text)
    text = re.sub(r"\^(\d)(?!\d)", lambda m: m[1].translate(POWERS), text)
    text = re.sub(r"\^\{(\d+)\}", lambda m: m[1].translate(POWERS), text)
    text = re.sub(r"\^\{([^{}]*)\}", lambda m: f"^{_grouped(m[1])}", text)
    text = re.sub(r"(?<!_)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"∇ (?=\w)", "∇", text)
    return re.sub(r" {4,}", "   ", text).replace("⦃", "{").replace("⦄", "}").strip()


def _fractions(text: str) -> str:
    """The innermost first."""
    pattern = re.compile(r"\\[td]?frac" + ARGUMENT + ARGUMENT)
    while (found := pattern.search(text)) is not None:
        above, below = _fractions(_inner(found[1])), _fractions(_inner(found[2]))
        after = text[found.end() :]
        space = " " if re.match(r"[\w\\(|]", after) and not after.startswith("\\right") else ""
        text = f"{text[: found.start()]}{_summed(above)}/{_grouped(below)}{space}{after}"
    return text


def _matrix(found: re.Match[str]) -> str:
    rows = [", ".join(entry.strip() for entry in row.split("&")) for row in found[1].split(r"\\")]
    return f"[{'; '.join(rows)}]"


def _inner(argument: str) -> str:
    return argument[1:-1].strip() if argument.startswith("{") else argument


def _grouped(text: str) -> str:
    """In parentheses, unless it is one thing."""
    plain = re.sub(r"\\[A-Za-z]+ ?", "x", text)
    single = re.fullmatch(r"(\d+|\w)(_\{?\w+\}?)?(\^\{?\w+\}?)?", plain) or _closed(text)
    return text if single else f"({text})"


def _summed(text: str) -> str:
    """In parentheses where it is a sum."""
    depth = 0
    for letter in text:
        depth += (letter in "({[") - (letter in ")}]")
        if depth == 0 and letter in "+-":
            return f"({text})"
    return text


def _closed(text: str) -> bool:
    """Whether the first parenthesis ends with the text."""
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return k == len(text) - 1 and text.startswith("(")
    return False
