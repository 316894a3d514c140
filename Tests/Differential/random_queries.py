"""Random queries over the tables of random_tables.py, with the types kept so that most of them are valid."""

from __future__ import annotations

import random

from random_tables import COLUMNS, TABLES, WORDS, value

NUMBERS = ["smallint", "integer", "bigint", "real", "double precision", "numeric"]
INTEGERS = ["smallint", "integer", "bigint"]
TIMES = ["date", "timestamp", "timestamptz"]
ORDERED = NUMBERS + TIMES + ["text", "time", "interval", "uuid", "boolean"]
KIND = {name: kind.split("(")[0].replace("varchar", "text").replace("char", "text") for name, kind in COLUMNS.items()}
COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]


class QueryGenerator:
    """Makes one query after another from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 3
        self.aliases: list[str] = []

    # Choosing

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, choices: list) -> object:
        return self.random.choice(choices)

    # Expressions

    def column(self, kind: str) -> str | None:
        names = [name for name in COLUMNS if KIND[name] == kind]
        if not names or not self.aliases:
            return None
        alias, name = self.pick(self.aliases), self.pick(names)
        # A char(n) beside other text is text here and PostgreSQL's blank-padded type there: DIFFERENCES.md.
        return f"({alias}.c)::text" if name == "c" else f"{alias}.{name}"

    def literal(self, kind: str) -> str:
        if self.chance(0.06):
            return f"NULL::{kind}"
        if kind == "text":
            return "'" + self.pick(WORDS) + "'::text"
        if kind in INTEGERS:
            return f"{self.random.randint(-5, 12)}::{kind}" if kind != "integer" else str(self.random.randint(0, 12))
        text = value(self.random, kind)
        return text if kind == "boolean" else f"({text})::{kind}"

    def expression(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.chance(0.25):
            return (self.chance(0.75) and self.column(kind)) or self.literal(kind)
        general = [self.case, self.coalesce, self.nullif, self.extreme, self.subquery]
        if self.chance(0.15):
            return self.pick(general)(kind, depth)
        special = {
            "boolean": self.boolean,
            "text": self.text,
            "date": self.date,
            "timestamp": self.timestamp,
            "timestamptz": self.timestamptz,
            "interval": self.interval,
            "time": self.time,
            "uuid": lambda depth: self.column("uuid") or self.literal("uuid"),
        }
        return special[kind](depth) if kind in special else self.number(kind, depth)

    def case(self, kind: str, depth: int) -> str:
        branches = " ".join(
            f"WHEN {self.expression('boolean', depth - 1)} THEN {self.expression(kind, depth - 1)}"
            for _ in range(self.random.randint(1, 2))
        )
        otherwise = f" ELSE {self.expression(kind, depth - 1)}" if self.chance(0.7) else ""
        return f"CASE {branches}{otherwise} END"

    def coalesce(self, kind: str, depth: int) -> str:
        return f"coalesce({self.expression(kind, depth - 1)}, {self.expression(kind, depth - 1)})"

    def nullif(self, kind: str, depth: int) -> str:
        return f"nullif({self.expression(kind, depth - 1)}, {self.expression(kind, depth - 1)})"

    def extreme(self, kind: str, depth: int) -> str:
        return f"{self.pick(['greatest', 'least'])}({self.expression(kind, depth - 1)}, {self.expression(kind, depth - 1)})"

    def subquery(self, kind: str, depth: int) -> str:
        outer = self.aliases
        alias = f"s{len(outer)}"
        where = ""
        self.aliases = [alias] + (outer if self.chance(0.5) else [])
        if self.chance(0.7):
            where = f" WHERE {self.expression('boolean', 1)}"
        self.aliases = [alias]
        if kind in ("boolean", "uuid"):
            item = self.expression(kind, 1)
            result = f"(SELECT {item} FROM {self.pick(['one', 'empty'])} AS {alias}{where} LIMIT 1)"
        else:
            item = self.expression(kind, 1)
            result = f"(SELECT {self.pick(['min', 'max'])}({item}) FROM {self.pick(TABLES)} AS {alias}{where})"
        self.aliases = outer
        return result

    def boolean(self, depth: int) -> str:
        inner = lambda kind: self.expression(kind, depth - 1)
        kind = self.pick(ORDERED)
        choice = self.random.randint(0, 13)
        if choice <= 2:
            return f"({inner(kind)} {self.pick(COMPARISONS)} {inner(kind)})"
        if choice == 3:
            return f"({inner(self.pick(NUMBERS))} {self.pick(COMPARISONS)} {inner(self.pick(NUMBERS))})"
        if choice == 4:
            return f"({inner('boolean')} {self.pick(['AND', 'OR'])} {inner('boolean')})"
        if choice == 5:
            return f"(NOT {inner('boolean')})"
        if choice == 6:
            return f"({inner(kind)} IS {self.pick(['', 'NOT '])}NULL)"
        if choice == 7:
            return f"({inner(kind)} {self.pick(['', 'NOT '])}BETWEEN {inner(kind)} AND {inner(kind)})"
        if choice == 8:
            items = ", ".join(inner(kind) for _ in range(self.random.randint(1, 4)))
            return f"({inner(kind)} {self.pick(['', 'NOT '])}IN ({items}))"
        if choice == 9:
            pattern = self.pick(["a%", "%a%", "_", "%", "he_rt%", "%\\\\%", "", "%e"])
            return f"({inner('text')} {self.pick(['LIKE', 'NOT LIKE', 'ILIKE'])} '{pattern}')"
        if choice == 10:
            return f"({inner(kind)} IS {self.pick(['', 'NOT '])}DISTINCT FROM {inner(kind)})"
        if choice == 11:
            return f"({inner('boolean')} IS {self.pick(['', 'NOT '])}{self.pick(['TRUE', 'FALSE', 'UNKNOWN'])})"
        return self.membership(depth)

    def membership(self, depth: int) -> str:
        outer = self.aliases
        alias = f"q{len(outer)}"
        kind = self.pick(ORDERED)
        left = self.expression(kind, depth - 1)
        self.aliases = [alias] + (outer if self.chance(0.4) else [])
        where = f" WHERE {self.expression('boolean', 1)}" if self.chance(0.7) else ""
        self.aliases = [alias]
        item = self.expression(kind, 1)
        self.aliases = outer
        source = f"FROM {self.pick(TABLES)} AS {alias}{where}"
        form = self.random.randint(0, 3)
        if form == 0:
            return f"({self.pick(['', 'NOT '])}EXISTS (SELECT 1 {source}))"
        if form == 1:
            return f"({left} {self.pick(COMPARISONS)} {self.pick(['ANY', 'ALL'])} (SELECT {item} {source}))"
        return f"({left} {self.pick(['', 'NOT '])}IN (SELECT {item} {source}))"

    def number(self, kind: str, depth: int) -> str:
        inner = lambda: self.expression(kind, depth - 1)
        choice = self.random.randint(0, 9)
        if choice <= 2:
            # Multiplied by little, so that most results fit.
            return f"({inner()} {self.pick(['+', '-', '*'])} {self.literal(kind)})"
        if choice == 3:
            return f"({inner()} / nullif({inner()}, 0))"
        if choice == 4:
            if kind in INTEGERS or kind == "numeric":
                return f"({inner()} % nullif({self.literal(kind)}, 0))"
            return f"abs({inner()})"
        if choice == 5:
            return f"abs({inner()})" if kind != "smallint" else f"(- {inner()})"
        if choice == 6:
            if kind == "integer":
                return self.pick(
                    [
                        f"length({self.expression('text', depth - 1)})",
                        f"strpos({self.expression('text', depth - 1)}, 'a')",
                        f"ascii({self.expression('text', depth - 1)})",
                        f"octet_length({self.expression('text', depth - 1)})",
                    ]
                )
            if kind in ("double precision", "numeric"):
                return f"{self.pick(['floor', 'ceil', 'round', 'trunc', 'sign'])}({inner()})"
            return inner()
        if choice == 7:
            other = self.pick(NUMBERS if kind in ("double precision", "numeric") else ["smallint", kind])
            return f"({self.expression(other, depth - 1)})::{kind}"
        if choice == 8:
            if kind == "numeric":
                field = self.pick(["year", "month", "day", "dow", "doy", "week", "quarter", "isodow", "century"])
                return f"extract({field} from {self.expression(self.pick(['date', 'timestamp']), depth - 1)})"
            if kind in INTEGERS:
                return f"({inner()} {self.pick(['&', '|', '#'])} {inner()})"
        return inner()

    def text(self, depth: int) -> str:
        inner = lambda: self.expression("text", depth - 1)
        count = lambda: self.pick(["0", "1", "2", "3", "-1", "5"])
        return self.pick(
            [
                lambda: f"({inner()} || {inner()})",
                lambda: f"upper({inner()})",
                lambda: f"lower({inner()})",
                lambda: f"initcap({inner()})",
                lambda: f"substr({inner()}, {count()})",
                lambda: f"substring({inner()} from {count()} for {self.pick(['0', '1', '4'])})",
                lambda: f"left({inner()}, {count()})",
                lambda: f"right({inner()}, {count()})",
                lambda: f"replace({inner()}, 'a', {inner()})",
                lambda: f"translate({inner()}, 'abc', 'xy')",
                lambda: f"btrim({inner()}, 'ax')",
                lambda: f"lpad({inner()}, 6, 'xy')",
                lambda: f"rpad({inner()}, 4)",
                lambda: f"repeat({inner()}, {self.pick(['0', '1', '2'])})",
                lambda: f"reverse({inner()})",
                lambda: f"split_part({inner()}, ' ', {self.pick(['1', '2', '-1'])})",
                lambda: f"md5({inner()})",
                lambda: f"concat({inner()}, {self.expression(self.pick(ORDERED), depth - 1)})",
                lambda: f"concat_ws('-', {inner()}, {inner()})",
                lambda: f"({self.expression(self.pick(ORDERED), depth - 1)})::text",
                lambda: f"to_char({self.expression('timestamp', depth - 1)}, 'YYYY-MM-DD HH24:MI:SS Mon Day')",
                lambda: f"regexp_replace({inner()}, '[a-c]+', '<\\&>')",
                lambda: f"format('%s:%L', {inner()}, {inner()})",
                lambda: f"quote_literal({inner()})",
            ]
        )()

    def date(self, depth: int) -> str:
        inner = lambda: self.expression("date", depth - 1)
        return self.pick(
            [
                lambda: f"({inner()} + {self.random.randint(-40, 40)})",
                lambda: f"({self.expression('timestamp', depth - 1)})::date",
                lambda: f"make_date(2020, {self.random.randint(1, 12)}, {self.random.randint(1, 28)})",
                inner,
            ]
        )()

    def timestamp(self, depth: int) -> str:
        inner = lambda: self.expression("timestamp", depth - 1)
        unit = self.pick(["year", "quarter", "month", "week", "day", "hour", "minute", "second"])
        return self.pick(
            [
                lambda: f"date_trunc('{unit}', {inner()})",
                lambda: f"({inner()} + {self.literal('interval')})",
                lambda: f"({inner()} - {self.literal('interval')})",
                lambda: f"({self.expression('date', depth - 1)})::timestamp",
                lambda: f"({self.expression('timestamptz', depth - 1)} AT TIME ZONE 'UTC')",
                lambda: f"date_bin('15 minutes', {self.column('timestamp') or self.literal('timestamp')}, timestamp '2020-01-01')",
                inner,
            ]
        )()

    def timestamptz(self, depth: int) -> str:
        inner = lambda: self.expression("timestamptz", depth - 1)
        return self.pick(
            [
                lambda: f"date_trunc('{self.pick(['month', 'day', 'hour'])}', {inner()})",
                lambda: f"({inner()} + {self.literal('interval')})",
                lambda: f"({self.expression('timestamp', depth - 1)})::timestamptz",
            ]
        )()

    def interval(self, depth: int) -> str:
        inner = lambda: self.expression("interval", depth - 1)
        return self.pick(
            [
                lambda: f"({inner()} + {inner()})",
                lambda: f"(- {inner()})",
                lambda: f"({inner()} * 2)",
                lambda: f"justify_hours({inner()})",
                lambda: f"(timestamp '2021-03-04 05:06:07' - timestamp '2020-{self.random.randint(1, 12):02}-01')",
                lambda: f"age(timestamp '2021-03-04', timestamp '2019-{self.random.randint(1, 12):02}-11')",
            ]
        )()

    def time(self, depth: int) -> str:
        inner = lambda: self.expression("time", depth - 1)
        return self.pick(
            [
                lambda: f"({inner()} + interval '90 minutes')",
                lambda: f"({self.expression('timestamp', depth - 1)})::time",
                inner,
            ]
        )()

    # Aggregates and windows

    def aggregate(self, depth: int) -> str:
        inner = lambda kind: self.expression(kind, depth - 1)
        distinct = "DISTINCT " if self.chance(0.2) else ""
        filtered = f" FILTER (WHERE {inner('boolean')})" if self.chance(0.2) else ""
        kind = self.pick([kind for kind in ORDERED if kind not in ("boolean", "uuid")])
        call = self.pick(
            [
                lambda: "count(*)",
                lambda: f"count({distinct}{inner(self.pick(ORDERED))})",
                lambda: f"sum({distinct}{inner(self.pick(['smallint', 'integer', 'bigint', 'numeric', 'interval']))})",
                lambda: f"min({inner(kind)})",
                lambda: f"max({inner(kind)})",
                lambda: f"avg({distinct}{inner(self.pick(['smallint', 'integer', 'numeric']))})",
                lambda: f"bool_and({inner('boolean')})",
                lambda: f"bool_or({inner('boolean')})",
                lambda: f"bit_or({inner(self.pick(INTEGERS))})",
                self.string_aggregate,
                lambda: f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {inner(self.pick(INTEGERS))})",
                lambda: f"sum({self.column('double precision')})",
            ]
        )()
        return call + filtered

    def string_aggregate(self) -> str:
        # Ordered by the text itself: rows that are alike otherwise may come in any order.
        text = self.expression("text", 1)
        return f"string_agg({text}, ',' ORDER BY {text})"

    def window(self, depth: int) -> str:
        kind = self.pick(ORDERED)
        alias = self.aliases[0]
        order = ", ".join(f"{name}.id" for name in self.aliases)
        partition = f"PARTITION BY {alias}.{self.pick(['b', 'i2', 't', 'd'])} " if self.chance(0.6) else ""
        frame = self.pick(
            [
                "",
                " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                " ROWS UNBOUNDED PRECEDING",
                " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES",
                " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
            ]
        )
        argument = self.expression(kind, 1)
        call = self.pick(
            [
                lambda: "row_number()",
                lambda: "rank()",
                lambda: "dense_rank()",
                lambda: "ntile(3)",
                lambda: "cume_dist()",
                lambda: f"lag({argument})",
                lambda: f"lead({argument}, 2)",
                lambda: f"first_value({argument})",
                lambda: f"last_value({argument})",
                lambda: f"nth_value({argument}, 2)",
                lambda: f"count({argument})",
                lambda: f"sum({self.expression('integer', 1)})",
                lambda: f"avg({self.expression('numeric', 1)})",
                lambda: f"min({self.expression('text', 1)})",
                lambda: f"max({self.expression('timestamp', 1)})",
            ]
        )()
        return f"{call} OVER ({partition}ORDER BY {order}{frame})"

    # Queries

    def source(self) -> str:
        self.aliases = ["x"]
        table = self.pick(TABLES[:3] + TABLES)
        result = f"{table} AS x"
        for number in range(self.pick([0, 0, 0, 1, 1, 2])):
            alias = "yz"[number]
            other = self.pick(TABLES)
            form = self.random.randint(0, 6)
            kind = self.pick(["integer", "smallint", "text", "date"])
            name = self.pick([column for column in COLUMNS if KIND[column] == kind])
            seen = list(self.aliases)
            self.aliases = seen + [alias]
            condition = f"x.{name} = {alias}.{name}"
            if form == 0:
                condition += f" AND {self.expression('boolean', 1)}"
            elif form == 1:
                condition = self.expression("boolean", 2)
            join = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            if form == 5:
                self.aliases = seen
                inner = f"SELECT * FROM {other} AS w WHERE w.i2 = {self.pick(seen)}.i2 LIMIT 100"
                result = f"({result} {self.pick(['CROSS JOIN', 'LEFT JOIN'])} LATERAL ({inner}) AS {alias}"
                result += " ON true)" if "LEFT JOIN LATERAL" in result else ")"
                self.aliases = seen + [alias]
                continue
            if form == 6:
                # The latest row up to a time, or the next one from it on: an as-of join.
                self.aliases = seen
                at = self.pick([column for column in COLUMNS if KIND[column] in ("timestamp", "date", "integer", "double precision")])
                symbol, direction = self.pick([("<=", " DESC"), ("<", " DESC"), (">=", ""), (">", "")])
                keys = self.pick([f"w.{name} = x.{name} AND ", f"{self.pick(seen)}.{name} = w.{name} AND ", ""])
                inner = f"SELECT * FROM {other} AS w WHERE {keys}w.{at} {symbol} {self.pick(seen)}.{at}"
                inner += f" ORDER BY w.{at}{direction}, w.id LIMIT 1"
                kind = self.pick(["CROSS", "LEFT"])
                result = f"({result} {kind} JOIN LATERAL ({inner}) AS {alias}{' ON true' if kind == 'LEFT' else ''})"
                self.aliases = seen + [alias]
                continue
            # PostgreSQL joins fully only by keys that hash or merge.
            if join == "FULL JOIN":
                condition = f"x.{name} = {alias}.{name}"
            result = f"({result} {join} {other} AS {alias} ON {condition})"
        return result

    def where(self) -> str:
        return f" WHERE {self.expression('boolean', self.depth)}" if self.chance(0.6) else ""

    def plain(self) -> tuple[str, int]:
        source = self.source()
        items = [
            self.window(2) if self.chance(0.15) else self.expression(self.pick(ORDERED), self.depth)
            for _ in range(self.random.randint(1, 4))
        ]
        distinct = "DISTINCT " if self.chance(0.15) else ""
        return f"SELECT {distinct}{', '.join(items)} FROM {source}{self.where()}", len(items)

    def key(self) -> str:
        """An expression to group by: not a constant, which PostgreSQL forgets to make NULL in a ROLLUP, and no subquery."""
        kind = self.pick(ORDERED)
        while True:
            text = self.expression(kind, 1)
            # What is constant once it is simplified counts as one.
            if kind == "boolean":
                return self.column(kind)
            if "coalesce" in text or "CASE" in text or "nullif" in text or "least" in text or "greatest" in text:
                continue
            if "." in text and "SELECT" not in text and any(f"{alias}." in text for alias in self.aliases):
                return text

    def grouped(self) -> tuple[str, int]:
        source = self.source()
        where = self.where()
        keys = [self.key() for _ in range(self.random.randint(0, 2))]
        items = keys + [self.aggregate(2) for _ in range(self.random.randint(1, 3))]
        positions = [str(index + 1) for index in range(len(keys))]
        grouping = ""
        if keys:
            form = self.random.randint(0, 6)
            listed = ", ".join(positions)
            grouping = f" GROUP BY {listed}"
            if form == 0:
                grouping = f" GROUP BY ROLLUP ({', '.join(keys)})"
            elif form == 1:
                grouping = f" GROUP BY GROUPING SETS (({', '.join(keys)}), ())"
            elif form == 2:
                grouping = f" GROUP BY CUBE ({', '.join(keys)})"
        having = f" HAVING {self.aggregate(1)} IS NOT NULL" if self.chance(0.2) else ""
        return f"SELECT {', '.join(items)} FROM {source}{where}{grouping}{having}", len(items)

    def operation(self) -> tuple[str, int]:
        kinds = [self.pick(ORDERED) for _ in range(self.random.randint(1, 3))]

        def side() -> str:
            source = self.source()
            return f"(SELECT {', '.join(self.expression(kind, 2) for kind in kinds)} FROM {source}{self.where()})"

        operator = self.pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        return f"{side()} {operator} {side()}", len(kinds)

    def nested(self) -> tuple[str, int]:
        inner, width = self.query(self.pick([self.plain, self.grouped]))
        names = [f"k{index}" for index in range(width)]
        with_names = f"r({', '.join(names)})"
        rest = ", ".join(names)
        form = self.random.randint(0, 2)
        if form == 0:
            return f"SELECT {rest} FROM ({inner}) AS {with_names}", width
        if form == 1:
            return f"WITH {with_names} AS ({inner}) SELECT {rest}, (SELECT count(*) FROM r) FROM r", width + 1
        return f"WITH {with_names} AS ({inner}) SELECT DISTINCT a.k0 FROM r AS a LEFT JOIN r AS b ON a.k0 = b.k0", 1

    def scalar(self) -> tuple[str, int]:
        self.aliases = []
        count = self.random.randint(1, 3)
        return "SELECT " + ", ".join(self.expression(self.pick(ORDERED), 3) for _ in range(count)), count

    def query(self, form=None) -> tuple[str, int]:
        text, width = (form or self.pick([self.plain] * 4 + [self.grouped] * 3 + [self.operation, self.nested, self.scalar]))()
        return text, width

    def next(self) -> tuple[str, int, bool]:
        """Returns a query, its number of columns, and whether its order is settled."""
        self.depth = self.pick([1, 2, 2, 3])
        text, width = self.query()
        ordered = self.chance(0.3) and not text.startswith("(")
        if ordered:
            order = ", ".join(
                f"{index + 1}{self.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}" for index in range(width)
            )
            text += f" ORDER BY {order}"
            if self.chance(0.4):
                text += f" LIMIT {self.pick(['0', '1', '5', '1000'])}" + self.pick(["", " OFFSET 2"])
        return text, width, ordered
