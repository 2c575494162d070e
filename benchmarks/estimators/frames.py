"""Generated tables with named columns, like those on which people learn to make pipelines."""

import numpy as np
import pandas as pd

from benchmarks.estimators import rows

COUNT = rows.COUNT


def _chosen(random: np.random.Generator, names: list[str], count: int) -> np.ndarray:
    return random.choice(np.array(names, dtype=object), count)


def flowers(count: int = COUNT, seed: int = 0) -> pd.DataFrame:
    """Four lengths in centimeters."""
    random = np.random.default_rng(seed)
    size = random.normal(0, 1, count)
    columns = {
        "sepal_length": 5.8 + 0.6 * size,
        "sepal_width": 3.0 - 0.1 * size,
        "petal_length": 3.8 + 1.6 * size,
        "petal_width": 1.2 + 0.7 * size,
    }
    noise = {name: random.normal(0, 0.3, count) for name in columns}
    return pd.DataFrame({name: (columns[name] + noise[name]).round(1) for name in columns})


def species(table: pd.DataFrame) -> np.ndarray:
    """One of three kinds of flowers."""
    size = table["petal_length"] + table["petal_width"] + 0.5 * table["sepal_width"]
    return np.array(["aster", "lily", "tulip"])[np.digitize(size, [5.0, 7.5])]


def passengers(count: int = COUNT, seed: int = 0, missing: bool = True) -> pd.DataFrame:
    """Passengers of a ship: numbers, texts, and ages of which some are missing."""
    random = np.random.default_rng(seed)
    age = random.normal(30, 13, count).clip(0.5, 80).round(1)
    if missing:
        age = np.where(random.random(count) < 0.15, np.nan, age)
    return pd.DataFrame(
        {
            "pclass": random.integers(1, 4, count),
            "sex": _chosen(random, ["female", "male"], count),
            "age": age,
            "fare": random.lognormal(2.9, 1, count).round(4),
            "embarked": _chosen(random, ["C", "Q", "S"], count),
        }
    ).astype({"sex": object, "embarked": object})


def survived(table: pd.DataFrame) -> np.ndarray:
    """Whether each passenger survived, as 0 and 1."""
    chance = 2.0 * (table["sex"] == "female") - 0.8 * table["pclass"] + table["fare"] / 90
    noise = np.random.default_rng(5).normal(0, 1, len(table))
    return (chance + noise > -0.6).to_numpy().astype(int)


def customers(count: int = COUNT, seed: int = 0) -> pd.DataFrame:
    """Customers of a telephone company."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "tenure": random.integers(0, 72, count),
            "monthly_charges": random.uniform(18, 120, count).round(2),
            "contract": _chosen(random, ["month-to-month", "one year", "two years"], count),
            "payment": _chosen(random, ["card", "check", "transfer"], count),
            "senior": random.integers(0, 2, count),
        }
    ).astype({"contract": object, "payment": object})


def churned(table: pd.DataFrame) -> np.ndarray:
    """Whether each customer left: "No" or "Yes"."""
    chance = 1.5 * (table["contract"] == "month-to-month") - table["tenure"] / 30
    noise = np.random.default_rng(5).normal(0, 1, len(table))
    return np.array(["No", "Yes"])[
        (chance + table["monthly_charges"] / 60 + noise > 1).to_numpy().astype(int)
    ]


def loans(count: int = COUNT, seed: int = 0) -> pd.DataFrame:
    """Loans: large amounts beside shares, and a purpose."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": random.lognormal(9, 0.7, count).round(2),
            "months": random.choice([12, 24, 36, 48, 60], count),
            "rate": random.uniform(0.02, 0.19, count).round(4),
            "income": random.lognormal(10.5, 0.5, count).round(0),
            "purpose": _chosen(random, ["car", "house", "study", "other"], count),
        }
    ).astype({"purpose": object})


def interest(table: pd.DataFrame) -> np.ndarray:
    """What each loan earns."""
    noise = np.random.default_rng(5).normal(0, 0.1, len(table))
    earned = table["amount"] * table["rate"] * table["months"] / 12
    return (earned * (1 + 0.2 * (table["purpose"] == "car") + noise)).to_numpy() / 100
