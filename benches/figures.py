"""What was measured, as one table of Markdown and as JSON

Machines differ and are noisy, so most figures are a ratio against a floor: what the same work cannot take less than in the same run.
"""

from dataclasses import asdict, dataclass


class CannotRun(Exception):
    """Something is missing, or a program did not do what it was measured for: the case has failed"""


@dataclass
class Figure:
    """One row; `floor` and `aim` are left out where there is none, and an aim is about the ratio wherever there is a floor"""

    case: str
    what: str
    measured: float
    unit: str
    floor: float | None = None
    aim: float | None = None

    @property
    def ratio(self):
        return self.measured / self.floor if self.floor else None

    @property
    def is_met(self):
        if self.aim is None:
            return None
        return (self.measured if self.floor is None else self.ratio) <= self.aim

    def cells(self):
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        floor = "" if self.floor is None else amount(self.floor, self.unit)
        ratio = "" if self.ratio is None else number(self.ratio)
        aim = "" if self.aim is None else number(self.aim) if self.floor else amount(self.aim, self.unit)
        return [self.case, self.what, amount(self.measured, self.unit), floor, ratio, aim, verdict]

    def record(self):
        return asdict(self) | {"ratio": self.ratio, "met": self.is_met}


HEAD = ["case", "what", "measured", "floor", "ratio", "aim", ""]


def number(value):
    """Three figures are all that such measurements are good for"""
    if value == int(value) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def amount(value, unit):
    return f"{number(value)} {unit}".strip()


def table(figures):
    """All of them, in columns that line up in a terminal too"""
    rows = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
