"""Code lengths under histograms that are learned on the even days and measured on the odd ones."""

from __future__ import annotations

import duckdb
import numpy as np

from events import Events, People
from generator import DAY, Generator, truncated


def learned(contexts: list[np.ndarray], symbols: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Returns the bits of each row that is not for training; each context is finer than the one before, which backs it."""
    symbols = np.unique(symbols, return_inverse=True)[1]
    kinds = int(symbols.max()) + 1
    chance = (np.bincount(symbols[training], minlength=kinds) + 0.5) / (training.sum() + 0.5 * kinds)
    chance = chance[symbols[~training]]
    for context in contexts:
        context = np.unique(context, return_inverse=True)[1]
        pair, pairs = np.unique(context * kinds + symbols, return_inverse=True)
        both = np.bincount(pairs[training], minlength=len(pair))[pairs[~training]]
        alone = np.bincount(context[training], minlength=int(context.max()) + 1)[context[~training]]
        # The coarser model counts as much as this many events.
        chance = (both + 8 * chance) / (alone + 8)
    return -np.log2(chance)


def classes(values: np.ndarray, exact: int = 64, steps: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Returns the class of each number and log2 of its width: small numbers are classes, each octave above has `steps`."""
    size = np.abs(values)
    octave = np.floor(np.log2(np.maximum(1, size))).astype(np.int64)
    width = np.where(size < exact, 0, octave - int(np.log2(steps)))
    return np.sign(values) * ((octave << 40) + (size >> width)), width.astype(float)


def learned_columns(events: Events, generator: Generator) -> dict[str, float]:
    rows, users = len(events.user), len(events.country)
    training = events.day % 2 == 0
    people = People.learn(events, generator, training)
    tested = int((~training).sum())
    result: dict[str, float] = {}

    def add(name: str, bits: np.ndarray) -> None:
        result[name] = result.get(name, 0) + float(bits.sum()) / 8 / tested

    user, activity, number = events.user, events.activity, events.number
    counts = np.repeat(events.count, events.count)
    first, later = number == 0, np.flatnonzero(number > 0)
    heads = np.flatnonzero(first)
    before = later - 1

    days = events.day - events.day.min()
    a_day = np.bincount(user * (days.max() + 1) + days, minlength=users * (days.max() + 1))
    day_of_count = np.tile(np.arange(days.max() + 1) + events.day.min(), users)
    add("event_date", learned([np.repeat(np.arange(users), days.max() + 1)], a_day, day_of_count % 2 == 0))

    local = people.hours[user] + 12
    head_time = [counts[heads], counts[heads] * 32 + local[heads]]
    add("event_ts", learned(head_time, events.second[heads] // 600, training[heads]) + np.log2(600))
    code, width = classes(events.second[later] - events.second[before])
    add("event_ts", learned([activity[before], activity[before] * 4 + counts[before]], code, training[later])
        + width[~training[later]])

    hour = (events.second // 3600 + people.hours[user]) % 24 + 24 * events.season
    of_country = hour[heads] * 16 + events.country[user[heads]]
    add("activity_id", learned([hour[heads], of_country], activity[heads], training[heads]))
    add("activity_id", learned([activity[before]], activity[later], training[later]))

    effort = generator.efforts[activity]
    reserve = people.maximal[user] - people.resting[user]
    expected = people.resting[user] + truncated(effort * reserve / 1000) + generator.season_rate[events.season]
    residue = events.rate - expected.astype(np.int64)
    add("heart_rate", learned([activity[heads]], residue[heads], training[heads]))
    of_before = np.clip(residue[before], -20, 20)
    add("heart_rate", learned([of_before, of_before * 32 + activity[later]], residue[later], training[later]))

    def positions(rows: np.ndarray, north: np.ndarray, east: np.ndarray, contexts: list[np.ndarray]) -> None:
        code, width = classes(north)
        add("latitude", learned(contexts, code, training[rows]) + width[~training[rows]])
        # Both come from one distance, so that one is far where the other is.
        far = np.floor(np.log2(np.maximum(1, np.abs(north)))).astype(np.int64)
        code, width = classes(east)
        add("longitude", learned([*contexts, contexts[-1] * 64 + far], code, training[rows]) + width[~training[rows]])

    north = events.latitude - np.rint(people.latitude).astype(np.int64)[user]
    east = events.longitude - np.rint(people.longitude).astype(np.int64)[user]
    positions(heads, north[heads], east[heads], [activity[heads]])
    speed = generator.speeds[activity[later]]
    way = np.floor(np.log2(1 + speed * (events.second[later] - events.second[before]))).astype(np.int64)
    positions(later, north[later] - north[before], east[later] - east[before], [speed, speed * 32 + way])
    return result


def learned_arrival(
    connection: duckdb.DuckDBPyConnection, by_user: dict[str, float]
) -> tuple[dict[str, float], float]:
    """Returns the columns of the table in order of arrival, and the share of its rows that are no repeats.

    Time and user are learned; the other columns, given these and what the user did before, take what they take by user.
    """
    rows = connection.sql("SELECT user_id, timestamp FROM bronze.heart_rate").fetchnumpy()
    user = np.unique(rows["user_id"], return_inverse=True)[1]
    at = rows["timestamp"].astype(np.int64)
    day = at // DAY
    order = np.lexsort((np.arange(len(at)), at, user))
    same = (user[order][1:] == user[order][:-1]) & (at[order][1:] == at[order][:-1])
    again = np.zeros(len(at), bool)
    again[order[1:][same]] = True

    # The lines of an hour come partition by partition, so that times fall back where a run ends.
    kept = np.flatnonzero(~again)
    last_kept = np.maximum.accumulate(np.where(again, 0, np.arange(len(at))))
    gap = at - at[np.r_[0, last_kept[:-1]]]
    code, width = classes(gap)
    training = day % 2 == 0
    hour = at[np.r_[0, last_kept[:-1]]] // 3600 % 24
    time = learned([again * 1, hour * 2 + again], code, training) + width[~training]
    repeated = learned([], again, training)

    user, at, day, gap = user[kept], at[kept], day[kept], gap[kept]
    training = day % 2 == 0
    run = np.cumsum((gap < 0) | (np.diff(at // 3600, prepend=at[0] // 3600) != 0))
    first_of_hour = np.r_[True, np.diff(at // 3600) > 0]
    number = run - np.maximum.accumulate(np.where(first_of_hour, run, 0))
    # A user's partition is the run in which most of their events of the training days came.
    users, runs = int(user.max()) + 1, int(number.max()) + 1
    votes = np.bincount(user[training] * runs + number[training], minlength=users * runs).reshape(users, runs)
    partition = votes.argmax(axis=1)
    members = np.bincount(partition, minlength=runs)
    order = np.lexsort((np.arange(len(user)), user))
    previous = np.full(len(user), -1)
    follows = (user[order][1:] == user[order][:-1]) & (day[order][1:] == day[order][:-1])
    previous[order[1:][follows]] = order[:-1][follows]
    is_new = previous < 0
    # 0 is again, 1 new today, 2 in a run that is not of the user's partition.
    kind = np.where(partition[user] != number, 2, np.where(is_new, 1, 0))
    # Those of the partition who have come today are not among those who may be new.
    in_order = np.lexsort((np.arange(len(user)), partition[user], day))
    group = day[in_order] * runs + partition[user[in_order]]
    new = np.cumsum(is_new[in_order]) - is_new[in_order]
    begins = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    seen = np.empty(len(user), np.int64)
    seen[in_order] = new - np.repeat(new[begins], np.diff(np.r_[begins, len(group)]))
    position = np.empty(len(user), np.int64)
    position[in_order] = np.arange(len(user))
    back, back_width = classes(position - position[previous])
    who = np.where(kind == 1, np.log2(np.maximum(1, members[partition[user]] - seen)), np.log2(users))
    who_bits = learned([at // 3600 % 24], kind, training) + np.where(kind == 0, 0, who)[~training]
    returns = kind == 0
    return_bits = learned([], back[returns], training[returns]) + back_width[returns & ~training]
    share = len(user) / len(again)
    result = {name: share * bytes_ for name, bytes_ in by_user.items() if name not in ("event_ts", "event_date")}
    result["event_ts"] = float(time.mean() + repeated.mean()) / 8
    result["user_id"] = share * float(who_bits.sum() + return_bits.sum()) / 8 / int((~training).sum())
    return result, share
