"""What Sources/Simulation draws from: its tables, read out of its source, and its distributions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOURCES = Path(__file__).resolve().parent.parent.parent / "Sources" / "Simulation"
DAY = 86_400
# How far a session leads before it turns back, in millionths of a degree: DayGenerator.record.
TURN = 60_000
# Events of a day from which DayGenerator.measure makes two sessions of them.
TWO_SESSIONS = 12
# Seconds after it in which a repeated line comes: DayGenerator.distribute.
REPEAT_SECONDS = 240


@dataclass
class Generator:
    """Sources/Simulation's tables; arrays over activities and hours."""

    ids: np.ndarray
    efforts: np.ndarray
    speeds: np.ndarray
    shortest: np.ndarray
    longest: np.ndarray
    lowest_rate: np.ndarray
    highest_rate: np.ndarray
    recording: np.ndarray
    season_rate: np.ndarray
    # Probability of [country, season, local hour, activity].
    choice: np.ndarray
    countries: dict[str, int]
    southern: np.ndarray

    @staticmethod
    def read() -> Generator:
        def text(name: str) -> str:
            return (SOURCES / f"{name}.swift").read_text()

        def numbers(list_: str) -> list[int]:
            return [int(number) for number in re.findall(r"-?\d+", list_)]

        catalog, rhythm = text("ActivityCatalog"), text("DayRhythm")
        shapes = {name: numbers(list_) for name, list_ in re.findall(r"case \.(\w+): \[([^\]]*)\]", catalog)}
        activities = re.findall(
            r"Activity\(\s*id: ([\d_]+),\s+name: \"([^\"]+)\",\s+effort: (-?\d+),\s+weight: (\d+),"
            r"\s+minutes: (\d+)\.\.\.(\d+),\s+speed: (\d+),\s+rhythm: \.(\w+),\s+setting: \.(\w+)\)", catalog)
        countries = re.findall(
            r"code: \"\w+\", name: \"([^\"]+)\".*?hoursLater: (-?\d+), isSouthern: (\w+),\s*favourites: \[([^\]]*)\]",
            text("Country+All"), re.DOTALL)
        if len(activities) != 23 or len(countries) != 14:
            raise SystemExit("Sources/Simulation is not written as this program reads it")
        efforts = np.array([int(activity[2]) for activity in activities])
        choice = np.zeros((len(countries), 4, 24, len(activities)))
        for country, (_, later, _, favourites) in enumerate(countries):
            favours = {name: int(percent) for name, percent in re.findall(r"\"([^\"]+)\": (\d+)", favourites)}
            for position, (_, name, _, weight, _, _, _, shape, setting) in enumerate(activities):
                for hour in range(24):
                    shift = 0 if shape == "night" or hour < 12 else int(later)
                    share = int(weight) * shapes[shape][min(23, max(0, hour - shift))] * favours.get(name, 100)
                    choice[country, :, hour, position] = share * np.array(shapes[setting])
        return Generator(
            ids=np.array([int(activity[0].replace("_", "")) for activity in activities]), efforts=efforts,
            speeds=np.array([int(activity[6]) for activity in activities]),
            shortest=np.array([int(activity[4]) * 60 for activity in activities]),
            longest=np.array([int(activity[5]) * 60 for activity in activities]),
            lowest_rate=np.where(efforts <= 60, 40, np.where(efforts >= 700, 130, 50)),
            highest_rate=np.where(efforts <= 60, 80, np.where(efforts >= 700, 205, 200)),
            recording=np.array(numbers(re.search(r"recording = \[([^\]]*)\]", rhythm)[1])),
            season_rate=np.array(numbers(re.search(r"seasonRate = \[([^\]]*)\]", rhythm)[1])),
            choice=choice / choice.sum(axis=3, keepdims=True),
            countries={country[0]: number for number, country in enumerate(countries)},
            southern=np.array([country[2] == "true" for country in countries]))


def truncated(value: np.ndarray) -> np.ndarray:
    """Rounds towards zero, as Swift divides integers."""
    return np.trunc(value).astype(np.int64)


def bell() -> tuple[np.ndarray, np.ndarray]:
    """Returns the values of RandomStream.bell and their probabilities."""
    coarse = 64  # Of the 65,536 values of each of four uniform numbers; the sum's steps stay below those of the result.
    step = np.full(65_536 // coarse, coarse / 65_536)
    pair = np.convolve(step, step)
    weights = np.convolve(pair, pair)
    sums = np.arange(len(weights)) * coarse + 2 * (coarse - 1)
    # What falls between two values is shared out, since the steps of the coarse sum are not those of the result.
    values = (sums - 131_070) * 1024 / 37_837
    bounds = np.arange(-3_560, 3_561)
    below = np.interp(bounds, values, np.cumsum(weights) - weights / 2, left=0, right=1)
    numbers = bounds[bounds != 0]
    # Rounding towards zero gives 0 the values from -1 to 1.
    low = np.where(numbers < 0, numbers - 1, numbers)
    chances = np.interp(low + 1, bounds, below) - np.interp(low, bounds, below)
    chance = dict(zip(numbers.tolist(), chances.tolist()))
    chance[0] = float(below[bounds == 1][0] - below[bounds == -1][0])
    all_values = np.arange(-3_550, 3_551)
    result = np.array([chance.get(int(value), 0.0) for value in all_values])
    return all_values, result / result.sum()
