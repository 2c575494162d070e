"""Invented names: artists, titles, albums and track ids."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

FIRST = str.split(
    "Ada Amara Anouk Ariel Bea Björn Caio Carmen Celia Chidi Cleo Dario Delia Dov Edda Elif Emre "
    "Esme Fadi Farah Fenna Gil Greta Hana Hugo Ida Ilse Inés Ivo Jara Jonas José Juno Kaia Kofi "
    "Lale Leif Lina Lou Luz Mara Mateo Mika Milo Nadia Naoki Nell Nia Noor Oda Olu Otto Paz Pia "
    "Ravi Remy Rhea Rosa Sanna Selim Sol Suri Tariq Thea Tove Uma Vera Viggo Wren Yara Zeno Zoë"
)
ONSETS = str.split(
    "Al Am An Ar Bar Bel Ber Bran Cal Cam Car Cor Dal Dar Del Dor El Fal Far Fer Gar Gil Hal Har "
    "Hol Jar Kal Kel Kor Lan Lar Lor Mal Mar Mel Mor Nor Or Pal Par Per Ral Ros Sal San Sel Sor "
    "Tal Tar Tor Val Var Ver Vol Wal Wes Yar Zan"
)
ENDINGS = str.split(
    "bach beck berg by cott dale den dez do field ford gate go grove ham holm ic in kamp ko land "
    "ley lund man mont ner nova off quist ra ri rose sen shaw sk so stead ström ta ton va vale "
    "ville wick wood worth"
)
ADJECTIVES = str.split(
    "Amber Bitter Blue Bright Broken Burning Careless Distant Electric Empty Endless Faded Falling "
    "Fearless Final Frozen Gentle Golden Hidden Hollow Honest Last Little Lonely Lost Lucky "
    "Midnight Neon New Old Open Paper Perfect Quiet Restless Rising Sacred Secret Silent Silver "
    "Simple Sleepless Slow Strange Sweet Velvet Violet Wasted Wicked Wild Wooden Young"
)
NOUNS = str.split(
    "Afternoon Angel Avenue Bird Bridge Candle Carnival City Coast Cloud Compass Corazón Dancer "
    "Daylight Desert Diamond Dream Echo Ember Engine Feather Fever Fire Flower Garden Ghost "
    "Gravity Guitar Harbor Heart Heaven Highway Horizon House Hurricane Island Kiss Lantern Letter "
    "Light Lover Machine Memory Mirror Moon Morning Mountain Niña Ocean Orbit Parade Photograph "
    "Planet Promise Radio Rain Reason River Rocket Rose Sailor Saudade Season Shadow Signal Sky "
    "Smoke Song Star Station Storm Stranger Summer Sunday Sunrise Tide Thunder Train Valley "
    "Voice Water Weekend Whisper Wind Window Winter Wolf Zimmer"
)
VERBS = str.split(
    "Chase Find Follow Forget Hold Keep Leave Lose Meet Paint Remember Save Steal Wake"
)

TITLES = {
    "{adjective} {noun}": 0.36,
    "{noun} of the {other}": 0.16,
    "{verb} the {noun}": 0.16,
    "{verb} My {adjective} {noun}": 0.12,
    "{noun} & {other}": 0.08,
    "{adjective} {noun} - Live": 0.05,
    "{noun} (Acoustic)": 0.03,
    "{verb} Me, {noun}": 0.03,
    'Theme from "{adjective} {noun}"': 0.01,
}
ALBUMS = {
    "{adjective} {noun}s": 0.5,
    "The {noun} and the {other}": 0.3,
    "{noun}, {other} and {adjective} Days": 0.1,
    "{adjective} {noun} (Deluxe Edition)": 0.1,
}
COLLECTIONS = {
    "{adjective} {noun} Hits 2022": 0.5,
    "Best of {noun} {other}": 0.3,
    "100 {adjective} {noun} Classics": 0.2,
}
INITIALS = "ABCDEFGHIJKLMNOPRSTVWZ"
BASE62 = np.frombuffer(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype="S1"
)


def artists(rng: np.random.Generator, count: int) -> list[str]:
    """Return `count` different artist names.

    Raises:
        ValueError: the word lists do not have that many combinations.
    """
    shape = (len(FIRST), len(ONSETS), len(ENDINGS))
    if count > np.prod(shape):
        raise ValueError(f"there are only {np.prod(shape)} artist names, not {count}: use fewer")
    chosen = np.unravel_index(rng.choice(np.prod(shape), count, replace=False), shape)
    return [f"{FIRST[i]} {ONSETS[j]}{ENDINGS[k]}" for i, j, k in zip(*chosen, strict=True)]


def other_artists(rng: np.random.Generator, count: int) -> list[str]:
    """Return `count` different artist names that `artists` does not return: with an initial."""
    shape = (len(FIRST), len(INITIALS), len(ONSETS), len(ENDINGS))
    chosen = np.unravel_index(rng.choice(np.prod(shape), count, replace=False), shape)
    return [
        f"{FIRST[i]} {INITIALS[j]}. {ONSETS[k]}{ENDINGS[m]}"
        for i, j, k, m in zip(*chosen, strict=True)
    ]


def phrases(rng: np.random.Generator, patterns: dict[str, float], count: int) -> list[str]:
    """Return `count` phrases; `patterns` maps each template to its share of them."""
    template = rng.choice(list(patterns), size=count, p=list(patterns.values()))
    words = [rng.choice(pool, size=count) for pool in (ADJECTIVES, NOUNS, NOUNS, VERBS)]
    return [
        text.format(adjective=adjective, noun=noun, other=other, verb=verb)
        for text, adjective, noun, other, verb in zip(template, *words, strict=True)
    ]


def bylines(
    rng: np.random.Generator,
    names: list[str],
    lead: NDArray[np.int64],
    counts: NDArray[np.int64],
    separator: str,
) -> list[str]:
    """Return one byline for each song: the leading artist and `counts - 1` different guests.

    Args:
        rng: the random generator that chooses the guests.
        names: all artist names; there must be more than any count.
        lead: index of the leading artist of each song (shape n).
        counts: how many artists each song names (shape n).
        separator: text between two artists.
    """
    # Guests are neighbors in the list, at an offset that cannot return to the leading artist.
    offset = rng.integers(1, len(names) - counts + 2)
    guests = lead + offset
    return [
        separator.join([names[i], *(names[(j + k) % len(names)] for k in range(n - 1))])
        for i, j, n in zip(lead, guests, counts, strict=True)
    ]


def distinct(titles: list[str], artists: list[str]) -> list[str]:
    """Return the titles, numbered if the same title and artists occurred before."""
    seen: Counter[tuple[str, str]] = Counter()
    numbered = []
    for pair in zip(titles, artists, strict=True):
        seen[pair] += 1
        numbered.append(f"{pair[0]} (Part {seen[pair]})" if seen[pair] > 1 else pair[0])
    return numbered


def track_ids(rng: np.random.Generator, count: int) -> NDArray[np.str_]:
    """Return `count` ids like Spotify's: 22 base-62 characters, the first a digit below 8."""
    codes = rng.integers(62, size=(count, 22))
    codes[:, 0] %= 8
    return BASE62[codes].view("S22").ravel().astype(str)
