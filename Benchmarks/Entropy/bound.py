"""Code lengths under the generator's own distribution, all that it draws and does not store summed out."""

from __future__ import annotations

import numpy as np

from events import Events, People
from generator import DAY, TURN, Generator, bell, truncated


class Bound:
    """Code lengths of sessions under the generator's own distribution."""

    # Points at which the unknown start of a session (what its times, and what its places tell of it) and the unknown
    # heading are summed out. Twice as many of each change the sum by less than its standard error.
    STARTS = 128
    STARTS_OF_PLACES = 1024
    HEADINGS = 32

    def __init__(self, events: Events, generator: Generator) -> None:
        self.events = events
        self.generator = generator
        self.people = People.learn(events, generator, np.ones(len(events.user), bool))
        values, chances = bell()
        # Where a session begins: 4 millionths a step from home.
        self.origin = chances
        self.origin_zero = -values[0]
        spread = np.zeros(4 * len(values) + 64)
        spread[4 * np.arange(len(values))] = chances
        # The place of an event that does not move: the origin and one of 32 millionths, from -15.
        self.place = np.convolve(spread, np.full(32, 1 / 32))
        self.place_zero = 4 * self.origin_zero + 15
        self.place_below = np.r_[0, np.cumsum(self.place)]
        base = truncated(values * 5 / 1024)
        self.base = np.array([chances[base == step].sum() for step in range(-17, 18)])
        # Two uniform numbers added: triangular over -6...6, rounded towards zero.
        below = lambda at: np.where(at < 0, (at + 6) ** 2 / 72, 1 - (6 - at) ** 2 / 72)
        steps = np.arange(-5, 6)
        self.noise = below(np.where(steps < 0, steps, steps + 1)) - below(np.where(steps > 0, steps, steps - 1))
        self.homes = [self.home(events.latitude, self.people.latitude), self.home(events.longitude, self.people.longitude)]

    def home(self, places: np.ndarray, estimate: np.ndarray) -> np.ndarray:
        """Makes an estimated home exact modulo 4, which is what events of one session that does not move tell."""
        events = self.events
        pairs = events.start[(events.count == 2) & (self.generator.speeds[events.activity[events.start]] == 0)]
        high = np.maximum(places[pairs], places[pairs + 1]) - 16
        low = np.minimum(places[pairs], places[pairs + 1]) + 15
        scores = []
        for residue in range(4):
            count = (low - residue) // 4 + (residue - high) // 4 + 1
            score = np.where(count > 0, np.log(np.maximum(count, 1)), -50.0)
            scores.append(np.bincount(events.user[pairs], score, len(estimate)))
        rounded = np.rint(estimate).astype(np.int64)
        return rounded + (np.argmax(scores, axis=0) - rounded) % 4

    def times(self, start: np.ndarray, activity: np.ndarray, count: int, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns weights of the possible starts, [session, start], for an activity of each session, and the seconds since."""
        events, generator = self.events, self.generator
        user = events.user[start]
        seconds = [events.second[start + number][:, None].astype(float) for number in range(count)]
        shortest, longest = (bound[activity][:, None].astype(float) for bound in (generator.shortest, generator.longest))
        # No start is tried from which these events could not follow, the longest session or the day's end being the limit.
        reach = np.minimum(longest / count, seconds[0] + 1)
        if count > 1:
            reach = np.minimum(reach, (DAY - seconds[0]) / (count - 1))
        for number in range(1, count):
            reach = np.minimum(reach, longest * (number + 1) / count - (seconds[number] - seconds[0]))
        reach = np.maximum(reach, 0)
        since = reach * (np.arange(points) + 0.5) / points
        began = np.maximum(0, seconds[0] - since)
        hour = ((began // 3600).astype(np.int64) + self.people.hours[user][:, None]) % 24
        chance = generator.recording[hour] / (generator.recording.sum() * 3600) * generator.choice[
            events.country[user][:, None], events.season[start][:, None], hour, activity[:, None]]
        elapsed = [time - seconds[0] + since for time in seconds]
        # Event i of n lies anywhere in the i-th n-th of the session, whose length is uniform up to the end of the day.
        least, most = count * elapsed[0], np.full_like(since, np.inf)
        for number in range(1, count):
            least = np.maximum(least, count * elapsed[number] / (number + 1))
            most = np.minimum(most, count * elapsed[number] / number)
        rest = DAY - began
        low = np.maximum(shortest, least)
        high = np.maximum(low, np.minimum(np.minimum(longest, rest), most))
        area = np.log(high / low) if count == 1 else (low ** (1 - count) - high ** (1 - count)) / (count - 1)
        cut = np.clip((longest - np.maximum(shortest, rest)) / (longest - shortest), 0, 1)
        cut = np.where((least <= rest) & (rest <= most), cut, 0) / rest ** count
        weights = chance * count ** count * (area / (longest - shortest) + cut) * reach / points
        return weights, np.stack(elapsed)

    def travelled(self, rest: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Returns the chance of places `rest` [event, session] from home, at distances [event, session, start] from the origin."""
        count = len(rest)
        if count == 1:
            far = np.maximum(distance[0], 20)
            low, high = (rest[0][:, None] + sign * far + self.place_zero for sign in (-1, 1))
            grid = np.arange(len(self.place_below))
            return (np.interp(high, grid, self.place_below) - np.interp(low, grid, self.place_below)) / (2 * far)
        # Two places tell the heading but for their noise: only headings that can have led to them are tried.
        low, high = np.full(distance[0].shape, -1.0), np.ones(distance[0].shape)
        for number in range(1, count):
            way = distance[number] - distance[0]
            step = (rest[number] - rest[0])[:, None]
            width = np.where(np.abs(way) < 1e-6, 1e-6, way)
            low = np.maximum(low, np.minimum((step - 31.5) / width, (step + 31.5) / width))
            high = np.minimum(high, np.maximum((step - 31.5) / width, (step + 31.5) / width))
        span = np.maximum(0, high - low)
        heading = low[..., None] + span[..., None] * (np.arange(self.HEADINGS) + 0.5) / self.HEADINGS
        origins = rest[:, :, None, None] - distance[..., None] * heading
        least, most = origins.min(axis=0), origins.max(axis=0)
        common = np.maximum(0, 32 - (most - least)) / 4
        step = np.clip(np.rint((least + most) / 8).astype(np.int64) + self.origin_zero, 0, len(self.origin) - 1)
        return (self.origin[step] * common).mean(axis=2) * span / 2 / 32 ** count

    def standing(self, places: np.ndarray) -> np.ndarray:
        """Returns the chance of places [event, session] from home of sessions that do not move."""
        if len(places) == 1:
            at = places[0] + self.place_zero
            return np.where((at < 0) | (at >= len(self.place)), 0, self.place[np.clip(at, 0, len(self.place) - 1)])
        first, last = -((16 - places.max(axis=0)) // 4), (places.min(axis=0) + 15) // 4
        middle = np.clip((first + last) // 2 + self.origin_zero, 0, len(self.origin) - 1)
        return self.origin[middle] * np.maximum(0, last - first + 1) / 32 ** len(places)

    def rates(self, start: np.ndarray, count: int) -> np.ndarray:
        events, generator, people = self.events, self.generator, self.people
        user, activity = events.user[start], events.activity[start]
        effort, reserve = generator.efforts[activity], people.maximal[user] - people.resting[user]
        expected = people.resting[user] + truncated(effort * reserve / 1000) + generator.season_rate[events.season[start]]
        drift = truncated(np.maximum(0, effort) * reserve * 5 / 100_000)
        chance = np.tile(self.base, (len(start), 1))
        above = np.r_[np.cumsum(self.noise[::-1])[::-1], 0]
        for number in range(count):
            rate = events.rate[start + number]
            noise = (rate - expected - drift * number // count)[:, None] - np.arange(-17, 18)
            index = noise.astype(np.int64) + 5
            exact = np.where((index >= 0) & (index < 11), self.noise[np.clip(index, 0, 10)], 0)
            up = above[np.clip(index, 0, 11)]
            down = 1 - above[np.clip(index + 1, 0, 11)]
            chance *= np.where((rate >= generator.highest_rate[activity])[:, None], up,
                np.where((rate <= generator.lowest_rate[activity])[:, None], down, exact))
        return chance.sum(axis=1)

    def bits(self, start: np.ndarray, count: int) -> dict[str, np.ndarray]:
        """Returns the bits of each session that begins at `start` and has `count` events."""
        events, generator = self.events, self.generator
        own = events.activity[start]
        kinds = len(generator.ids)
        every = np.stack([
            self.times(start, np.full(len(start), kind), count, self.STARTS)[0].sum(axis=1) for kind in range(kinds)])
        weights, elapsed = self.times(start, own, count, self.STARTS_OF_PLACES)
        way = elapsed * generator.speeds[own][:, None] % (2 * TURN)
        distance = np.where(way <= TURN, way, 2 * TURN - way)
        together = weights.copy()
        chances = [every.sum(axis=0), weights.sum(axis=1)]
        still = generator.speeds[own] == 0
        for places, homes in zip((events.latitude, events.longitude), self.homes):
            rest = np.stack([places[start + number] for number in range(count)]) - homes[events.user[start]]
            together[still] *= self.standing(rest[:, still])[:, None]
            together[~still] *= self.travelled(rest[:, ~still], distance[:, ~still])
            chances.append(together.sum(axis=1))
        # A home or a heart may be estimated a little wrong: what seems impossible counts as improbable.
        time, activity, latitude, longitude = (-np.log2(np.maximum(chance, 1e-60)) for chance in chances)
        return {
            "event_ts": time, "activity_id": activity - time, "latitude": latitude - activity,
            "longitude": longitude - latitude, "heart_rate": -np.log2(np.maximum(self.rates(start, count), 1e-9)),
        }

    def columns(self, sessions: int) -> tuple[dict[str, float], float]:
        """Returns bytes a row of each column, and the standard error of their sum; sessions of each size by a sample."""
        random = np.random.default_rng(1)
        result: dict[str, float] = {}
        variance = 0.0
        for count in np.unique(self.events.count).tolist():
            starts = self.events.start[self.events.count == count]
            sample = random.choice(starts, min(sessions, len(starts)), replace=False)
            parts = [self.bits(part, count) for part in np.array_split(sample, max(1, len(sample) // 400))]
            weight = len(starts) / 8 / len(self.events.user)
            total = np.concatenate([sum(part.values()) for part in parts])
            variance += weight * weight * total.var() / len(total)
            for name in parts[0]:
                result[name] = result.get(name, 0) + weight * float(np.concatenate([part[name] for part in parts]).mean())
        return result, variance ** 0.5
