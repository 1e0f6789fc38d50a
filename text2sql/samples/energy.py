"""A regional electricity supplier: who buys its power, on which tariff, what breaks in its grid.

Bills cover 2024-01 to 2025-12 and outages 2023-01 to 2025-12; the books close on 2025-12-31.

Covered: plants, substations and transformers share one table (`facility.kind`) and feed each
other (`fed_by_id`); a contract is a customer on a tariff at a transformer; a crew is technicians
at an outage.
Traps: NULL means "not yet" or "still" (an unpaid bill, a running contract, a tariff on sale, an
open outage), "none" (an e-mail address, who feeds a plant, the head's supervisor) or "not known"
(the cause of an outage, the capacity of an old transformer). A meter number recurs when a flat
changes hands. Customers share names, and so do technicians. Some customers have no contract, one
tariff no taker, two transformers no meter, some outages no crew, some technicians no outage.
Prices, capacities and repair counts tie.
"""

from datetime import date, datetime, timedelta
from random import Random

SCHEMA = """
CREATE TABLE tariff (
    tariff_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    audience TEXT NOT NULL,
    price_ct_kwh DOUBLE NOT NULL,
    base_fee_cents INTEGER NOT NULL,
    energy_mix TEXT NOT NULL,
    launched_on DATE NOT NULL,
    withdrawn_on DATE,
    replaces_id INTEGER REFERENCES tariff (tariff_id)
);
CREATE TABLE customer (
    customer_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    town TEXT NOT NULL,
    email TEXT,
    joined_on DATE NOT NULL
);
CREATE TABLE facility (
    facility_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    energy_source TEXT,
    town TEXT NOT NULL,
    capacity_mw DOUBLE,
    opened_on DATE NOT NULL,
    closed_on DATE,
    fed_by_id INTEGER REFERENCES facility (facility_id)
);
CREATE TABLE contract (
    contract_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (customer_id),
    tariff_id INTEGER NOT NULL REFERENCES tariff (tariff_id),
    transformer_id INTEGER NOT NULL REFERENCES facility (facility_id),
    meter_no TEXT NOT NULL,
    meter_type TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    started_on DATE NOT NULL,
    ended_on DATE
);
CREATE TABLE bill (
    contract_id INTEGER NOT NULL REFERENCES contract (contract_id),
    bill_month DATE NOT NULL,
    kwh INTEGER NOT NULL,
    reading_source TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    due_on DATE NOT NULL,
    paid_on DATE,
    PRIMARY KEY (contract_id, bill_month)
);
CREATE TABLE outage (
    outage_id INTEGER PRIMARY KEY,
    facility_id INTEGER NOT NULL REFERENCES facility (facility_id),
    started_at TIMESTAMP NOT NULL,
    restored_at TIMESTAMP,
    cause TEXT,
    customers_affected INTEGER NOT NULL
);
CREATE TABLE technician (
    technician_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    grade TEXT NOT NULL,
    base_town TEXT NOT NULL,
    hired_on DATE NOT NULL,
    supervisor_id INTEGER REFERENCES technician (technician_id)
);
CREATE TABLE outage_crew (
    outage_id INTEGER NOT NULL REFERENCES outage (outage_id),
    technician_id INTEGER NOT NULL REFERENCES technician (technician_id),
    crew_role TEXT NOT NULL,
    hours DOUBLE NOT NULL,
    PRIMARY KEY (outage_id, technician_id)
);
"""

COMMENTS = {
    "tariff": "Price plans, those on sale and those withdrawn",
    "tariff.audience": "Who may take it: household or business",
    "tariff.price_ct_kwh": "Price of one kilowatt hour in cents",
    "tariff.base_fee_cents": "Fixed monthly fee in cents",
    "tariff.energy_mix": "green (renewable sources only) or standard",
    "tariff.withdrawn_on": "Last day on sale; NULL: still on sale",
    "tariff.replaces_id": "The older tariff that this one took over from",
    "customer": "Households and businesses that are or were supplied, or have only registered",
    "customer.kind": "household or business",
    "customer.town": "Town of the postal address, not always where the meter is",
    "customer.email": "NULL: receives letters",
    "customer.joined_on": "Day of registration",
    "facility": "Grid equipment: power plants, substations and street transformers",
    "facility.kind": "plant, substation or transformer",
    "facility.energy_source": "wind, solar, hydro, gas or biomass; NULL unless a plant",
    "facility.capacity_mw": "Rated capacity in megawatts; NULL: not recorded",
    "facility.closed_on": "NULL: in operation",
    "facility.fed_by_id": "The facility it draws power from; NULL for plants",
    "contract": "A customer's supply contract on one tariff at one meter",
    "contract.transformer_id": "The street transformer that the meter hangs on",
    "contract.meter_no": "Number on the meter; stays with the building when tenants change",
    "contract.meter_type": "smart or mechanical",
    "contract.payment_method": "direct debit, transfer or card",
    "contract.ended_on": "Last day of supply; NULL: running",
    "bill": "One month's consumption and invoice for a contract",
    "bill.bill_month": "First day of the month billed",
    "bill.kwh": "Kilowatt hours consumed in the month",
    "bill.reading_source": "How the meter was read: remote, customer or estimated",
    "bill.amount_cents": "Amount invoiced in cents",
    "bill.paid_on": "NULL: not paid by the end of 2025",
    "outage": "Supply interruptions and equipment trips",
    "outage.facility_id": "The facility that failed",
    "outage.restored_at": "NULL: still out",
    "outage.cause": "storm, animal, equipment failure, digging damage, planned work; NULL: unknown",
    "outage.customers_affected": "Number of customers without power",
    "technician": "Field staff",
    "technician.grade": "apprentice, fitter, senior or head",
    "technician.base_town": "Town of the depot",
    "technician.supervisor_id": "The technician reported to; NULL for the head",
    "outage_crew": "Which technicians worked on which outage",
    "outage_crew.crew_role": "lead or support",
    "outage_crew.hours": "Hours booked on the outage",
}

CLOSING_DAY = date(2025, 12, 31)
TOWN_WEIGHTS = {
    "Aldern": 30, "Brackwell": 22, "Corvale": 14, "Dunmere": 10,
    "Estwick": 8, "Farrow": 7, "Greyhaven": 6, "Hollin": 3,
}  # fmt: skip
TOWNS = list(TOWN_WEIGHTS)
FIRST_NAMES = [
    "Ada", "Anna", "Ben", "Carl", "Clara", "David", "Elif", "Emil", "Frank", "Greta", "Hamid",
    "Ines", "Ivo", "Jonas", "Katrin", "Lena", "Leo", "Mara", "Nils", "Olga", "Paul", "Petra",
    "Rosa", "Samir", "Stefan", "Tessa", "Tomas", "Ute", "Viktor", "Wanda", "Yusuf", "Zoe",
]  # fmt: skip
LAST_NAMES = [
    "Abel", "Brandt", "Costa", "Demir", "Ebner", "Fischer", "Grant", "Haas", "Ivanova", "Jensen",
    "Keller", "Lorenz", "Moreau", "Novak", "Okafor", "Petersen", "Quist", "Roth", "Schmid",
    "Tanaka", "Ullman", "Weber",
]  # fmt: skip
BUSINESSES = [
    "Bakery", "Cafe", "Dental Practice", "Fish Market", "Garage", "Hotel", "Joinery", "Laundry",
    "Pharmacy", "Print Shop", "Sawmill", "Supermarket",
]  # fmt: skip
TARIFFS = [
    (1, "Classic Home", "household", 33.5, 990, "standard", "2015-01-01", "2024-06-30", None),
    (2, "Classic Home 24", "household", 32.25, 1090, "standard", "2024-07-01", None, 1),
    (3, "Green Home", "household", 34.75, 1090, "green", "2018-04-01", "2025-03-31", None),
    (4, "Green Home Plus", "household", 33.5, 1250, "green", "2025-04-01", None, 3),
    (5, "Night Saver", "household", 28.75, 1490, "standard", "2020-10-01", None, None),
    (6, "Student Flex", "household", 35.25, 490, "green", "2023-09-01", None, None),
    (7, "Shop & Office", "business", 29.5, 1990, "standard", "2015-01-01", "2024-12-31", None),
    (8, "Shop & Office 25", "business", 28.75, 2190, "standard", "2025-01-01", None, 7),
    (9, "Workshop Power", "business", 26.25, 3490, "standard", "2017-05-01", None, None),
    (10, "Green Business", "business", 30.25, 2490, "green", "2021-01-01", None, None),
    (11, "Seasonal Stall", "business", 36.0, 0, "standard", "2025-06-01", None, None),
]
PLANTS = [
    (1, "Aldern Gas Works", "plant", "gas", "Aldern", 120.0, "1988-10-01", None, None),
    (2, "Corvale Weir", "plant", "hydro", "Corvale", 18.5, "1931-05-14", None, None),
    (3, "Dunmere Weir", "plant", "hydro", "Dunmere", 12.0, "1954-09-01", None, None),
    (4, "Hollin Ridge Wind Farm", "plant", "wind", "Hollin", 64.0, "2011-03-22", None, None),
    (5, "Farrow Moor Wind Farm", "plant", "wind", "Farrow", 42.5, "2018-11-05", None, None),
    (6, "Estwick Solar Park", "plant", "solar", "Estwick", 30.0, "2016-06-18", None, None),
    (7, "Brackwell Airfield Solar", "plant", "solar", "Brackwell", 42.5, "2022-08-30", None, None),
    (8, "Greyhaven Docks", "plant", "gas", "Greyhaven", 85.0, "1974-02-11", "2023-03-31", None),
    (9, "Brackwell Biogas", "plant", "biomass", "Brackwell", 6.5, "2009-04-20", None, None),
    (10, "Old Farrow Turbines", "plant", "wind", "Farrow", 9.0, "1998-07-07", "2024-10-15", None),
]
SUBSTATIONS = [
    (11, "Aldern North", "substation", None, "Aldern", 60.0, "1988-10-01", None, 1),
    (12, "Aldern South", "substation", None, "Aldern", 60.0, "1996-05-20", None, 1),
    (13, "Brackwell Central", "substation", None, "Brackwell", 48.0, "1979-01-15", None, 1),
    (14, "Corvale", "substation", None, "Corvale", 25.0, "1958-08-01", None, 2),
    (15, "Dunmere Quay", "substation", None, "Dunmere", 20.0, "1967-03-12", None, 3),
    (16, "Hollin Ridge", "substation", None, "Hollin", 64.0, "2011-03-22", None, 4),
    (17, "Farrow Moor", "substation", None, "Farrow", 42.5, "2018-11-05", None, 5),
    (18, "Estwick", "substation", None, "Estwick", 25.0, "2001-12-03", None, 6),
]
STREETS = [
    "Mill Lane", "Station Road", "Church Street", "Harbour Row", "Tanner's Yard", "Elm Avenue",
    "Market Square", "Quarry Road", "School Hill", "Bridge Street", "Orchard Way", "Weaver's Court",
]  # fmt: skip
SUBSTATIONS_OF_TOWN = {
    "Aldern": [11, 12], "Brackwell": [13], "Corvale": [14], "Dunmere": [15],
    "Estwick": [18], "Farrow": [17], "Greyhaven": [15], "Hollin": [16],
}  # fmt: skip
MONTH_FACTORS = [1.32, 1.24, 1.12, 0.98, 0.86, 0.78, 0.74, 0.76, 0.85, 1.0, 1.16, 1.3]
OUTAGES_PER_MONTH = [9, 8, 7, 5, 4, 5, 7, 6, 4, 6, 8, 9]
CAUSES = ["equipment failure", "storm", "digging damage", "animal", "planned work", None]


def rows(random: Random) -> dict[str, list[tuple]]:
    """Return each table's rows, parents before children."""
    facilities = _facilities(random)
    transformers = [facility for facility in facilities if facility[2] == "transformer"]
    customers = _customers(random)
    contracts = _contracts(random, customers, transformers)
    technicians = _technicians(random)
    outages = _outages(random, facilities)
    return {
        "tariff": TARIFFS,
        "customer": customers,
        "facility": facilities,
        "contract": contracts,
        "bill": _bills(random, contracts),
        "outage": outages,
        "technician": technicians,
        "outage_crew": _crews(random, outages, technicians),
    }


def _facilities(random: Random) -> list[tuple]:
    transformers: list[tuple] = []
    for town, count in zip(TOWNS, [6, 5, 3, 3, 2, 2, 2, 1], strict=True):
        for street in random.sample(STREETS, count):
            number = 19 + len(transformers)
            opened = date(1972, 1, 1) + timedelta(days=random.randrange(15_900))
            capacity = random.choice([0.25, 0.5, 0.5, 0.75, 1.25]) if opened.year > 1979 else None
            closed = "2024-05-31" if number == 22 else None
            feeder = random.choice(SUBSTATIONS_OF_TOWN[town])
            record = (number, street, "transformer", None, town, capacity, opened.isoformat())
            transformers.append((*record, closed, feeder))
    return PLANTS + SUBSTATIONS + transformers


def _customers(random: Random) -> list[tuple]:
    customers = []
    for number in range(1, 311):
        kind = "business" if random.random() < 0.22 else "household"
        last = random.choice(LAST_NAMES)
        first = random.choice(FIRST_NAMES)
        name = f"{first} {last}" if kind == "household" else f"{last} {random.choice(BUSINESSES)}"
        town = random.choices(TOWNS, list(TOWN_WEIGHTS.values()))[0]
        host = random.choice(["postbox.example", "mail.example", "valley.example"])
        email = (
            f"{name.lower().replace(' ', '.')}{number}@{host}" if random.random() < 0.72 else None
        )
        days = int((CLOSING_DAY - date(2016, 1, 1)).days * random.random() ** 0.7)
        joined = date(2016, 1, 1) + timedelta(days=min(days, 3_600))
        customers.append((number, name, kind, town, email, joined.isoformat()))
    return customers


def _contracts(random: Random, customers: list[tuple], transformers: list[tuple]) -> list[tuple]:
    """Contracts in customer order; a meter given up may pass to a customer who comes later."""
    contracts: list[tuple] = []
    vacant: list[tuple[date, tuple]] = []
    for customer in customers:
        for _ in range(_contract_count(random, customer[2])):
            start = date.fromisoformat(customer[5]) + timedelta(days=random.randrange(25))
            free = [one for one in vacant if one[0] < start]
            if free and random.random() < 0.6:
                vacant.remove(free[0])
                meter = free[0][1]
            else:
                meter = _new_meter(random, customer[3], transformers, len(contracts) + 1)
            payment = random.choices(["direct debit", "transfer", "card"], [62, 28, 10])[0]
            for begin, end in _periods(random, start):
                tariff = _tariff_on_sale(random, customer[2], begin)
                record = (len(contracts) + 1, customer[0], tariff, *meter, payment)
                ended = end.isoformat() if end else None
                contracts.append((*record, begin.isoformat(), ended))
            if end:
                vacant.append((end, meter))
    return contracts


def _contract_count(random: Random, kind: str) -> int:
    weights = [5, 91, 4, 0] if kind == "household" else [6, 62, 22, 10]
    return random.choices([0, 1, 2, 3], weights)[0]


def _new_meter(random: Random, town: str, transformers: list[tuple], serial: int) -> tuple:
    """Return transformer, meter number and type; 22 is retired and 41 a spare."""
    place = town if random.random() < 0.93 else random.choice(TOWNS)
    near = [one[0] for one in transformers if one[4] == place and one[0] not in (22, 41)]
    kind = "smart" if random.random() < 0.45 else "mechanical"
    return random.choice(near), f"{place[:2].upper()}-{40_000 + serial * 17}", kind


def _periods(random: Random, start: date) -> list[tuple[date, date | None]]:
    """The contract's life: running, ended, or changed once to another tariff."""
    room = (CLOSING_DAY - start).days
    fate = random.random()
    if room < 400 or fate < 0.68:
        return [(start, None)]
    cut = start + timedelta(days=random.randrange(200, room))
    if fate < 0.85:
        return [(start, cut)]
    return [(start, cut), (cut + timedelta(days=1), None)]


def _tariff_on_sale(random: Random, audience: str, day: date) -> int:
    """Seasonal Stall (11) stays without a taker."""
    today = day.isoformat()
    fitting = [
        one[0]
        for one in TARIFFS
        if one[2] == audience and one[6] <= today and today <= (one[7] or today) and one[0] != 11
    ]
    return random.choices(fitting, [3 if one in (1, 2, 7, 8) else 2 for one in fitting])[0]


def _bills(random: Random, contracts: list[tuple]) -> list[tuple]:
    bills = []
    for contract in contracts:
        tariff = TARIFFS[contract[2] - 1]
        household = tariff[2] == "household"
        typical = random.gauss(250, 70) if household else random.lognormvariate(7, 0.8)
        slowness = random.choices([0.01, 0.04, 0.3], [70, 25, 5])[0]
        for month in _months_billed(contract):
            swing = MONTH_FACTORS[month.month - 1] * random.uniform(0.85, 1.15)
            kwh = max(12, round(typical * swing))
            amount = round(kwh * tariff[3]) + tariff[4]
            source = _reading_source(random, contract[5])
            due = (month + timedelta(days=32)).replace(day=15)
            paid = _paid_on(random, due, contract[6], slowness)
            record = (contract[0], month.isoformat(), kwh, source, amount, due.isoformat(), paid)
            bills.append(record)
    return bills


def _months_billed(contract: tuple) -> list[date]:
    """The months of 2024 and 2025 on whose 15th day the contract runs."""
    months = [date(year, month, 1) for year in (2024, 2025) for month in range(1, 13)]
    ended = contract[8] or "2025-12-31"
    return [one for one in months if contract[7] <= one.replace(day=15).isoformat() <= ended]


def _reading_source(random: Random, meter_type: str) -> str:
    if meter_type == "smart":
        return "remote" if random.random() < 0.97 else "estimated"
    return "customer" if random.random() < 0.7 else "estimated"


def _paid_on(random: Random, due: date, method: str, slowness: float) -> str | None:
    """Direct debit is drawn on the due day; others pay early, or late when they are slow."""
    if random.random() < slowness * 0.5:
        return None
    late = random.random() < slowness * 2
    if late:
        paid = due + timedelta(days=random.randrange(3, 60))
    else:
        paid = due - timedelta(days=0 if method == "direct debit" else random.randrange(12))
    return paid.isoformat() if paid <= CLOSING_DAY else None


def _technicians(random: Random) -> list[tuple]:
    """One head, four seniors under the head, the rest under a senior; the last two are new."""
    technicians = []
    for number in range(1, 23):
        grade = "head" if number == 1 else "senior" if number <= 5 else "fitter"
        grade = "apprentice" if number > 17 else grade
        supervisor = None if number == 1 else 1 if number <= 5 else random.randrange(2, 6)
        name = f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"
        # Two people of one name, to tell grouping by id from grouping by name.
        name = "Samir Keller" if number in (7, 14) else name
        hired = date(2003, 1, 7) + timedelta(days=330 * number + random.randrange(500))
        hired = date(2025, 11, 3) if number > 20 else hired
        base = random.choice(TOWNS[:4])
        technicians.append((number, name, grade, base, hired.isoformat(), supervisor))
    return technicians


def _outages(random: Random, facilities: list[tuple]) -> list[tuple]:
    """Outages by start; the last three are still open. Facility 16 never fails."""
    candidates = [one for one in facilities if one[0] != 16 and not one[7]]
    weights = [random.choice([1, 2, 3, 3, 6]) for _ in candidates]
    starts = sorted(_outage_starts(random))
    outages = []
    for number, start in enumerate(starts, start=1):
        facility = random.choices(candidates, weights)[0]
        while facility[6] > start.date().isoformat():
            facility = random.choices(candidates, weights)[0]
        minutes = max(6, round(random.lognormvariate(4.6, 0.9)))
        restored = str(start + timedelta(minutes=minutes)) if number <= len(starts) - 3 else None
        cause = _cause(random, start.month)
        affected = _customers_affected(random, facility[2])
        outages.append((number, facility[0], str(start), restored, cause, affected))
    return outages


def _outage_starts(random: Random) -> list[datetime]:
    starts = []
    for year in (2023, 2024, 2025):
        for month, usual in enumerate(OUTAGES_PER_MONTH, start=1):
            for _ in range(max(1, usual + random.randrange(-2, 3))):
                minute = random.randrange(28 * 24 * 60)
                starts.append(datetime(year, month, 1) + timedelta(minutes=minute))
    return starts


def _cause(random: Random, month: int) -> str | None:
    storm = 40 if month in (11, 12, 1, 2) else 12
    return random.choices(CAUSES, [32, storm, 12, 8, 14, 7])[0]


def _customers_affected(random: Random, kind: str) -> int:
    if kind == "plant":
        return 0 if random.random() < 0.8 else random.randrange(50, 400, 10)
    if kind == "substation":
        return random.randrange(200, 2_600, 20)
    return random.randrange(15, 160, 5)


def _crews(random: Random, outages: list[tuple], technicians: list[tuple]) -> list[tuple]:
    """A crew of one to four with one lead; every eighth outage or so is cleared remotely."""
    crews = []
    for outage in outages:
        ready = [one for one in technicians[1:-2] if one[4] <= outage[2][:10]]
        size = random.choices([0, 1, 2, 3, 4], [12, 22, 38, 20, 8])[0]
        hours = random.choice([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.5])
        # Apprentices never lead.
        members = sorted(random.sample(ready, size), key=lambda one: one[2] == "apprentice")
        for place, member in enumerate(members):
            leads = place == 0 and member[2] != "apprentice"
            booked = hours + random.choice([0.0, 0.0, 0.5, 1.0])
            crews.append((outage[0], member[0], "lead" if leads else "support", booked))
    return crews
