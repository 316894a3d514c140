"""The event table by user and time, and what it tells of its users."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from generator import DAY, TWO_SESSIONS, Generator

MICRO = 1_000_000


@dataclass
class Events:
    """The table by user and time; a session is what one user has on one day."""

    user: np.ndarray
    day: np.ndarray
    second: np.ndarray
    activity: np.ndarray
    rate: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    # Of each user.
    country: np.ndarray
    # First row and number of rows of each session; number within the session of each row.
    start: np.ndarray
    count: np.ndarray
    number: np.ndarray
    season: np.ndarray

    @staticmethod
    def read(connection: duckdb.DuckDBPyConnection, generator: Generator) -> Events:
        people = connection.sql("SELECT user_id, country FROM gold.dim_users ORDER BY user_id").fetchnumpy()
        rows = connection.sql(
            "SELECT user_id, epoch(event_ts)::BIGINT AS at, activity_id, heart_rate,"
            f" round(latitude * {MICRO})::INTEGER AS latitude, round(longitude * {MICRO})::INTEGER AS longitude"
            " FROM silver.heart_rate ORDER BY user_id, event_ts").fetchnumpy()
        user = np.searchsorted(people["user_id"], rows["user_id"])
        day = (rows["at"] // DAY).astype(np.int64)
        start = np.flatnonzero(np.r_[True, (user[1:] != user[:-1]) | (day[1:] != day[:-1])])
        count = np.diff(np.r_[start, len(user)])
        if count.max() >= TWO_SESSIONS:
            raise SystemExit("a user has two sessions on a day: these models know only one")
        country = np.array([generator.countries[name] for name in people["country"].tolist()])
        months = (np.datetime64("1970-01-01") + day).astype("datetime64[M]").astype(np.int64) % 12 + 1
        return Events(
            user=user, day=day, second=(rows["at"] % DAY).astype(np.int64),
            activity=np.searchsorted(generator.ids, rows["activity_id"]), rate=rows["heart_rate"].astype(np.int64),
            latitude=rows["latitude"].astype(np.int64), longitude=rows["longitude"].astype(np.int64), country=country,
            start=start, count=count, number=np.arange(len(user)) - np.repeat(start, count),
            season=(months % 12 // 3 + np.where(generator.southern[country[user]], 2, 0)) % 4)


@dataclass
class People:
    """What is told of users by their events: homes, hearts, and the hours between UTC and the sun."""

    latitude: np.ndarray
    longitude: np.ndarray
    resting: np.ndarray
    maximal: np.ndarray
    hours: np.ndarray

    @staticmethod
    def learn(events: Events, generator: Generator, rows: np.ndarray) -> People:
        users = len(events.country)
        still = rows & (generator.speeds[events.activity] == 0)

        def mean(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
            user = events.user[chosen]
            return np.bincount(user, values[chosen], users) / np.maximum(1, np.bincount(user, minlength=users))

        # Rates are resting + share of the reserve; the rates of other activities are cut off at their bounds.
        effort = generator.efforts[events.activity]
        inner = rows & (effort > 60) & (effort < 700)
        share = (effort + effort // 20 * events.number / np.repeat(events.count, events.count)) / 1000
        rate = events.rate - generator.season_rate[events.season]
        x, y, xx, xy = (mean(value, inner) for value in (share, rate, share * share, share * rate))
        reserve = (xy - x * y) / np.maximum(1e-9, xx - x * x)
        longitude = mean(events.longitude, still)
        return People(
            latitude=mean(events.latitude, still), longitude=longitude, resting=np.rint(y - reserve * x),
            maximal=np.rint(y + reserve * (1 - x)), hours=np.floor((longitude + 7_500_000) / 15_000_000).astype(int))
