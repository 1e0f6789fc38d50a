"""A port city's public transport operator: network, fleet, drivers, trips and ticket sales.

Trips and sales are the operator's counting sample of January to June 2025.

Covered: MixedCase names; `"Order"` is a reserved word and `"Fleet No"` holds a space, so both need
double quotes. `Driver.MentorID` refers to Driver; LineStop is the bridge between Line and Stop.
Traps: NULL means "still" (Line.ClosedOn, Vehicle.RetiredOn, Driver.LeftOn), "not on the map"
(Line.Colour), "at an outside workshop" or scrapped (Vehicle.DepotID), "not recorded"
(Driver.MentorID; Trip.Passengers when the counter was broken), "cancelled" (Trip.Passengers and
DelayMinutes, and VehicleID and DriverID if nobody was assigned yet), "nothing happened"
(Trip.Incident), "sold elsewhere" (TicketSale.StopID, LineID) and "kept" (TicketSale.RefundedOn).
Depot capacities, ticket prices and seats tie; two stops are called Mill Lane, two drivers Maria
Costa. Without partners: a depot under construction, three stops that no line serves, a line closed
before the sample, reserve vehicles, drivers who left before the sample.
"""

from datetime import date, timedelta
from random import Random

SCHEMA = """CREATE TABLE Depot (
    DepotID INTEGER PRIMARY KEY,
    DepotName TEXT NOT NULL,
    District TEXT NOT NULL,
    Capacity INTEGER NOT NULL
);
CREATE TABLE Line (
    LineID INTEGER PRIMARY KEY,
    LineCode TEXT NOT NULL,
    Mode TEXT NOT NULL,
    IsNight INTEGER NOT NULL,
    Colour TEXT,
    LengthKm DOUBLE NOT NULL,
    OpenedOn DATE NOT NULL,
    ClosedOn DATE
);
CREATE TABLE Stop (
    StopID INTEGER PRIMARY KEY,
    StopName TEXT NOT NULL,
    District TEXT NOT NULL,
    Zone INTEGER NOT NULL,
    StepFree INTEGER NOT NULL,
    HasShelter INTEGER NOT NULL
);
CREATE TABLE LineStop (
    LineID INTEGER NOT NULL REFERENCES Line (LineID),
    StopID INTEGER NOT NULL REFERENCES Stop (StopID),
    "Order" INTEGER NOT NULL,
    MinutesFromStart INTEGER NOT NULL,
    PRIMARY KEY (LineID, StopID)
);
CREATE TABLE Vehicle (
    VehicleID INTEGER PRIMARY KEY,
    "Fleet No" TEXT NOT NULL,
    Kind TEXT NOT NULL,
    Maker TEXT NOT NULL,
    Model TEXT NOT NULL,
    Power TEXT NOT NULL,
    BuiltYear INTEGER NOT NULL,
    Seats INTEGER NOT NULL,
    DepotID INTEGER REFERENCES Depot (DepotID),
    RetiredOn DATE
);
CREATE TABLE Driver (
    DriverID INTEGER PRIMARY KEY,
    FullName TEXT NOT NULL,
    HiredOn DATE NOT NULL,
    LeftOn DATE,
    HourlyWageCents INTEGER NOT NULL,
    DepotID INTEGER NOT NULL REFERENCES Depot (DepotID),
    MentorID INTEGER REFERENCES Driver (DriverID)
);
CREATE TABLE Trip (
    TripID INTEGER PRIMARY KEY,
    LineID INTEGER NOT NULL REFERENCES Line (LineID),
    VehicleID INTEGER REFERENCES Vehicle (VehicleID),
    DriverID INTEGER REFERENCES Driver (DriverID),
    DepartsAt TIMESTAMP NOT NULL,
    Status TEXT NOT NULL,
    Passengers INTEGER,
    DelayMinutes INTEGER,
    Incident TEXT
);
CREATE TABLE TicketSale (
    SaleID INTEGER PRIMARY KEY,
    SoldAt TIMESTAMP NOT NULL,
    Channel TEXT NOT NULL,
    StopID INTEGER REFERENCES Stop (StopID),
    LineID INTEGER REFERENCES Line (LineID),
    Product TEXT NOT NULL,
    Quantity INTEGER NOT NULL,
    AmountCents INTEGER NOT NULL,
    RefundedOn DATE
);"""

COMMENTS = {
    "Depot": "yards where vehicles are kept and where drivers report for duty",
    "Depot.District": "district of the city: Centre, Harbour, North, East, South or West",
    "Depot.Capacity": "number of vehicles the depot has room for",
    "Line": "tram, bus and ferry lines",
    "Line.LineCode": "public name of the line, such as T1, B12, N2 or F1",
    "Line.Mode": "tram, bus or ferry",
    "Line.IsNight": "1 for a night line, else 0",
    "Line.Colour": "colour on the network map; empty if the line is not drawn there",
    "Line.LengthKm": "length of the route in kilometres",
    "Line.ClosedOn": "last day of service; empty while the line runs",
    "Stop": "stops and landing stages",
    "Stop.StopName": "not unique",
    "Stop.Zone": "fare zone, 1 (inner) to 4 (outer)",
    "Stop.StepFree": "1 if reachable without steps (wheelchair accessible), else 0",
    "Stop.HasShelter": "1 if there is a shelter, else 0",
    "LineStop": "which line serves which stop (outward direction)",
    "LineStop.Order": "position of the stop on the line; 1 is the first stop",
    "LineStop.MinutesFromStart": "scheduled minutes after leaving the first stop",
    "Vehicle": "the fleet, retired vehicles included",
    "Vehicle.Fleet No": "number painted on the vehicle",
    "Vehicle.Kind": "tram, bus or ferry",
    "Vehicle.Power": "electric, hybrid or diesel",
    "Vehicle.DepotID": "home depot; empty if retired or at an outside workshop",
    "Vehicle.RetiredOn": "empty while the vehicle is in service",
    "Driver": "drivers and ferry captains, former ones included",
    "Driver.LeftOn": "last working day; empty for current staff",
    "Driver.HourlyWageCents": "gross wage per hour in cents",
    "Driver.DepotID": "depot where the driver reports for duty",
    "Driver.MentorID": "the driver who trained this one; empty if not recorded",
    "Trip": "scheduled trips in the counting sample",
    "Trip.DepartsAt": "scheduled departure from the first stop",
    "Trip.Status": "run, cut short (ended before the last stop) or cancelled (never left)",
    "Trip.Passengers": "people counted on board; empty if cancelled or the counter was broken",
    "Trip.DelayMinutes": "delay at the last stop served; 0 is on time; empty if cancelled",
    "Trip.Incident": "breakdown, traffic, weather, staff shortage, medical or vandalism, if any",
    "TicketSale": "ticket sales in the counting sample",
    "TicketSale.Channel": "app, machine, counter or on board",
    "TicketSale.StopID": "stop of the machine or counter; empty for the other channels",
    "TicketSale.LineID": "line on which it was bought on board; empty for the other channels",
    "TicketSale.Product": "single, child single, day, weekly or monthly",
    "TicketSale.Quantity": "number of tickets",
    "TicketSale.AmountCents": "total paid in cents",
    "TicketSale.RefundedOn": "empty unless the money was paid back",
}

FIRST_DAY = date(2025, 1, 1)
DAYS = 181

DEPOTS = [
    (1, "Northgate", "North", 40),
    (2, "Harbour Yard", "Harbour", 25),
    (3, "Mill Street", "Centre", 25),
    (4, "Elm Park", "East", 40),
    (5, "Westfield", "West", 30),
    (6, "Ferry Basin", "Harbour", 6),
    (7, "Quarry Road", "South", 60),  # under construction: no vehicles, no drivers yet
]

LINES = [
    (1, "T1", "tram", 0, "red", 14.25, "1987-05-01", None),
    (2, "T2", "tram", 0, "blue", 11.75, "1991-09-15", None),
    (3, "T3", "tram", 0, "green", 9.5, "2004-06-12", None),
    (4, "T4", "tram", 0, "orange", 17.5, "2016-10-08", None),
    (5, "B10", "bus", 0, None, 8.25, "1979-03-05", None),
    (6, "B11", "bus", 0, "purple", 12.5, "1979-03-05", None),
    (7, "B12", "bus", 0, None, 11.0, "1985-08-19", None),
    (8, "B13", "bus", 0, None, 6.75, "1998-01-12", "2024-12-14"),
    (9, "B14", "bus", 0, None, 15.75, "2001-04-02", None),
    (10, "B15", "bus", 0, "yellow", 21.25, "2009-12-13", None),
    (11, "B16", "bus", 0, None, 7.0, "2018-09-03", "2025-03-31"),
    (12, "B17", "bus", 0, None, 13.0, "2025-04-07", None),
    (13, "N1", "bus", 1, "black", 18.5, "1999-12-31", None),
    (14, "N2", "bus", 1, "black", 16.25, "1999-12-31", None),
    (15, "N3", "bus", 1, None, 20.0, "2013-06-01", None),
    (16, "F1", "ferry", 0, "blue", 3.5, "1994-04-23", None),
    (17, "F2", "ferry", 0, None, 5.25, "2019-05-18", None),
]
LINE_ENDS = {  # the two outer districts that a line joins through the centre
    1: ("Harbour", "South"),
    2: ("North", "East"),
    3: ("West", "South"),
    4: ("North", "West"),
    5: ("East", "South"),
    6: ("Harbour", "North"),
    7: ("South", "West"),
    8: ("East", "Harbour"),
    9: ("North", "South"),
    10: ("North", "East"),
    11: ("West", "Harbour"),
    12: ("South", "East"),
    13: ("West", "East"),
    14: ("South", "North"),
    15: ("Harbour", "West"),
}
LINE_WEIGHTS = [22, 18, 12, 14, 9, 11, 7, 0, 6, 8, 4, 5, 3, 3, 2, 6, 3]

STOP_NAMES = {
    "Centre": (
        "Central Station",
        "Town Hall",
        "Market Square",
        "Opera",
        "Cathedral",
        "Museum Quarter",
        "Law Courts",
        "Mill Lane",
        "Old Bridge",
        "University",
        "Botanic Garden",
        "Corn Exchange",
    ),
    "Harbour": (
        "Harbour Gate",
        "Ferry Terminal",
        "Customs House",
        "Lighthouse",
        "Fish Market",
        "Dockside",
        "Maritime Museum",
        "Rope Walk",
        "Pier 9",
        "Sailmakers Row",
    ),
    "North": (
        "Northgate",
        "Victoria Park",
        "Hospital",
        "Windmill Hill",
        "Barracks",
        "Chestnut Avenue",
        "North Cemetery",
        "Mill Lane",
        "Brickworks",
        "Reservoir",
        "Airport Road",
        "Airport",
    ),
    "East": (
        "Elm Park",
        "Stadium",
        "Trade Fair",
        "Weavers Bridge",
        "Canal Street",
        "East Gate",
        "Poplar Grove",
        "Gasworks",
        "Technical College",
        "Riverside",
        "Allotments",
    ),
    "South": (
        "South Station",
        "Quarry Road",
        "St Anne",
        "Abbey",
        "Vineyard Hill",
        "Tannery",
        "Swimming Baths",
        "Garden City",
        "Zoo",
        "Observatory",
        "Beech Wood",
    ),
    "West": (
        "Westfield",
        "Shopping Centre",
        "Film Studios",
        "Orchard Road",
        "Business Park",
        "West Cemetery",
        "Heath",
        "Nursery Lane",
        "Ring Road West",
        "Golf Course",
    ),
}
LAST_ZONE = {"Centre": 1, "Harbour": 2, "North": 4, "East": 3, "South": 3, "West": 4}
CLOSED_STOPS = {"Gasworks", "Barracks"}  # served by no line
STAGES = ["Ferry Terminal", "Dockside", "Lighthouse", "Maritime Museum", "Pier 9", "Riverside"]

# maker, model, kind, power, seats, first year, last year, number bought
MODELS = [
    ("Bombardier", "Flexity 5", "tram", "electric", 64, 2004, 2006, 9),
    ("Skoda", "ForCity 30", "tram", "electric", 72, 2015, 2018, 12),
    ("Tatra", "KT4", "tram", "electric", 38, 1986, 1989, 6),
    ("MAN", "Lion 12", "bus", "diesel", 35, 2009, 2014, 14),
    ("Mercedes", "Citaro G", "bus", "diesel", 48, 2011, 2016, 9),
    ("Mercedes", "eCitaro", "bus", "electric", 29, 2020, 2024, 11),
    ("Solaris", "Urbino 18", "bus", "hybrid", 44, 2017, 2019, 8),
    ("Solaris", "Urbino 12e", "bus", "electric", 31, 2021, 2023, 8),
    ("Damen", "WaterBus 20", "ferry", "hybrid", 120, 2012, 2018, 3),
    ("Damen", "Electra", "ferry", "electric", 80, 2022, 2022, 2),
]
DEPOTS_BY_KIND = {"tram": (1, 1, 2, 3), "bus": (1, 3, 4, 4, 5, 5), "ferry": (6,)}

FIRST_NAMES = (
    "Maria Anton Lucia Peter Ivana Tomas Hanna Omar Elena Marek Sofia Viktor Amina Jonas Petra "
    "Daniel Nadia Karel Julia Ahmed Teresa Stefan Ruth Milan"
)
LAST_NAMES = (
    "Costa Novak Berger Silva Haddad Lindqvist Moreau Kowalski Horvat Jansen Rossi Popescu Weiss "
    "Dvorak Marin Okafor Petrov Santos Keller Bianchi Eriksen Toth"
)
DRIVERS = 92

INCIDENTS = ["breakdown", "traffic", "weather", "staff shortage", "medical", "vandalism"]
PRICES = {"single": 280, "child single": 140, "day": 780, "weekly": 2450, "monthly": 7900}


def rows(random: Random) -> dict[str, list[tuple]]:
    """All rows by table, parents before children."""
    stops = stop_rows(random)
    vehicles = vehicle_rows(random)
    drivers = driver_rows(random)
    return {
        "Depot": list(DEPOTS),
        "Line": list(LINES),
        "Stop": stops,
        "LineStop": line_stop_rows(random, stops),
        "Vehicle": vehicles,
        "Driver": drivers,
        "Trip": trip_rows(random, vehicles, drivers),
        "TicketSale": sale_rows(random, stops),
    }


def stop_rows(random: Random) -> list[tuple]:
    """Stops by district; the zone grows along each district's list, away from the centre."""
    stops: list[tuple] = []
    for district, names in STOP_NAMES.items():
        for index, name in enumerate(names):
            zone = 1 + LAST_ZONE[district] * (index + 1) // (len(names) + 1)
            step_free = int(random.random() < 0.55)
            stops.append(
                (len(stops) + 1, name, district, zone, step_free, int(random.random() < 0.6))
            )
    return stops


def line_stop_rows(random: Random, stops: list[tuple]) -> list[tuple]:
    """A route per line; trams and night buses call at the main station."""
    bridge = []
    for line_id, _, mode, is_night, _, length, *_ in LINES:
        minutes = 0
        speed = 2.0 if mode == "tram" else 3.0
        route = route_of(random, stops, line_id, central=mode == "tram" or bool(is_night))
        for order, stop_id in enumerate(route, start=1):
            bridge.append((line_id, stop_id, order, minutes))
            minutes += max(1, round(speed * length / len(route) + random.uniform(-1, 2)))
    return bridge


def route_of(random: Random, stops: list[tuple], line_id: int, *, central: bool) -> list[int]:
    """Stop ids of one line: inwards from one district, through the centre, out to another."""
    if line_id not in LINE_ENDS:
        stages = random.sample(STAGES, 4)
        return [stop[0] for stop in stops if stop[1] in stages]
    start, end = LINE_ENDS[line_id]
    ids = []
    for district in (start, "Centre", end):
        served = [s[0] for s in stops if s[2] == district and s[1] not in CLOSED_STOPS]
        ids += sorted(random.sample(served, random.randint(3, 6)), reverse=district == start)
    return add_centre(ids, central)


def add_centre(ids: list[int], central: bool) -> list[int]:
    """The main station (stop 1) in the middle of a route that must touch it."""
    if not central or 1 in ids:
        return ids
    middle = len(ids) // 2
    return [*ids[:middle], 1, *ids[middle:]]


def vehicle_rows(random: Random) -> list[tuple]:
    """The fleet, model by model; most of the oldest trams are retired."""
    fleet: list[tuple] = []
    for maker, model, kind, power, seats, first, last, number in MODELS:
        for _ in range(number):
            vehicle_id = len(fleet) + 1
            built = random.randint(first, last)
            retired = retirement(random, built)
            away = retired is not None or random.random() < 0.07
            depot = None if away else random.choice(DEPOTS_BY_KIND[kind])
            fleet_no = f"{kind[0].upper()}-{100 + vehicle_id}"
            fleet.append(
                (vehicle_id, fleet_no, kind, maker, model, power, built, seats, depot, retired)
            )
    return fleet


def retirement(random: Random, built: int) -> str | None:
    """A day before the sample for most vehicles of the eighties and a few of 2009 to 2011."""
    chance = 0.7 if built < 1990 else 0.4 if built in (2009, 2010, 2011) else 0.0
    if random.random() >= chance:
        return None
    return (FIRST_DAY - timedelta(days=random.randint(20, 1400))).isoformat()


def driver_rows(random: Random) -> list[tuple]:
    """Drivers in order of hiring; the mentor is someone hired at least two places earlier."""
    hired = sorted(
        date(1996, 1, 8) + timedelta(days=random.randint(0, 10_600)) for _ in range(DRIVERS)
    )
    drivers = []
    for driver_id, day in enumerate(hired, start=1):
        namesake = driver_id in (17, 61)
        name = (
            "Maria Costa"
            if namesake
            else f"{random.choice(FIRST_NAMES.split())} {random.choice(LAST_NAMES.split())}"
        )
        seniority = (date(2025, 1, 1) - day).days // 365
        wage = 1950 + 35 * seniority + 50 * random.randint(0, 4)
        mentor = (
            random.randint(1, driver_id - 2) if driver_id > 12 and random.random() < 0.8 else None
        )
        depot = random.choice((1, 1, 2, 3, 3, 4, 4, 5, 6))
        drivers.append(
            (driver_id, name, day.isoformat(), leaving(random, day), wage, depot, mentor)
        )
    return drivers


def leaving(random: Random, hired: date) -> str | None:
    """The last day of one driver in eight, some of them within the sample."""
    if random.random() >= 0.13:
        return None
    earliest = max(hired + timedelta(days=90), date(2021, 1, 1))
    return (
        earliest + timedelta(days=random.randint(0, (date(2025, 6, 20) - earliest).days))
    ).isoformat()


def trip_rows(random: Random, vehicles: list[tuple], drivers: list[tuple]) -> list[tuple]:
    """About 23 sampled trips a day, fewer at weekends, in order of departure."""
    trips: list[tuple] = []
    for day in (FIRST_DAY + timedelta(days=n) for n in range(DAYS)):
        number = random.randint(22, 30) if day.weekday() < 5 else random.randint(12, 18)
        departures = sorted(
            (moment(random, day, line), line) for line in lines_on(random, day, number)
        )
        for at, line in departures:
            trips.append((len(trips) + 1, *trip(random, at, line, vehicles, drivers)))
    return trips


def lines_on(random: Random, day: date, number: int) -> list[tuple]:
    """The lines of one day's sampled trips, only lines open on that day."""
    iso = day.isoformat()
    running = [
        (line, weight)
        for line, weight in zip(LINES, LINE_WEIGHTS, strict=True)
        if line[6] <= iso and (line[7] is None or iso <= line[7])
    ]
    return random.choices(
        [line for line, _ in running], [weight for _, weight in running], k=number
    )


def moment(random: Random, day: date, line: tuple) -> str:
    """A departure time: night lines run from midnight to four, the others with two peaks."""
    if line[3]:
        hour = random.choice((0, 0, 1, 1, 2, 3))
    elif day.weekday() < 5:
        hour = random.choices(
            range(5, 24), [2, 5, 9, 10, 6, 4, 4, 5, 5, 5, 6, 9, 9, 6, 4, 3, 3, 2, 1]
        )[0]
    else:
        hour = random.choices(range(7, 24), [1, 2, 4, 6, 7, 7, 7, 7, 6, 6, 6, 5, 4, 3, 3, 2, 2])[0]
    return f"{day.isoformat()} {hour:02d}:{random.randrange(0, 60, 5):02d}:00"


def trip(
    random: Random, at: str, line: tuple, vehicles: list[tuple], drivers: list[tuple]
) -> tuple:
    """Line, vehicle, driver, departure, status, passengers, delay and incident of one trip."""
    incident = incident_of(random, at)
    vehicle = vehicle_for(random, line[2], vehicles)
    driver = driver_for(random, at, vehicle, drivers)
    status = status_of(random, incident)
    if status == "cancelled":
        assigned = incident not in ("staff shortage", "weather")
        people = (vehicle[0], driver[0]) if assigned else (None, None)
        return (line[0], *people, at, status, None, None, incident)
    passengers = None if random.random() < 0.04 else load(random, at, vehicle[7])
    return (
        line[0],
        vehicle[0],
        driver[0],
        at,
        status,
        passengers,
        delay(random, incident),
        incident,
    )


def incident_of(random: Random, at: str) -> str | None:
    """Nothing for nine trips in ten; weather is a matter of winter."""
    if random.random() >= 0.11:
        return None
    weather = 8 if at < "2025-03" else 1
    return random.choices(INCIDENTS, [6, 9, weather, 3, 3, 1])[0]


def vehicle_for(random: Random, kind: str, vehicles: list[tuple]) -> tuple:
    """A vehicle of the kind that is in service; every ninth is a reserve and never goes out."""
    return random.choice([v for v in vehicles if v[2] == kind and v[9] is None and v[0] % 9 != 4])


def driver_for(random: Random, at: str, vehicle: tuple, drivers: list[tuple]) -> tuple:
    """A driver employed on that day, nine times in ten from the vehicle's own depot."""
    employed = [d for d in drivers if d[2] <= at[:10] and (d[3] is None or at[:10] <= d[3])]
    own = [d for d in employed if d[5] == vehicle[8]]
    return random.choice(own if own and random.random() < 0.9 else employed)


def status_of(random: Random, incident: str | None) -> str:
    """Most trips run; an incident may cut them short or cancel them."""
    if incident is None:
        return "run"
    if incident == "staff shortage":
        return "cancelled"
    return random.choices(["run", "cut short", "cancelled"], [6, 2, 2])[0]


def load(random: Random, at: str, seats: int) -> int:
    """Passengers counted: fuller in the peaks, emptier at night."""
    hour = int(at[11:13])
    fullness = 1.1 if hour in (7, 8, 16, 17) else 0.25 if hour < 5 or hour > 21 else 0.6
    return max(0, round(random.gauss(fullness * seats, 0.25 * seats)))


def delay(random: Random, incident: str | None) -> int:
    """Minutes late: mostly 0 to 3, a long tail after an incident."""
    if incident is None:
        return random.choices(range(8), [40, 20, 14, 9, 6, 4, 2, 1])[0]
    return 4 + min(56, round(random.expovariate(1 / 9)))


def sale_rows(random: Random, stops: list[tuple]) -> list[tuple]:
    """About 24 sampled sales a day; more monthly passes at the start of a month."""
    machines = [s[0] for s in stops if s[3] <= 2 and s[0] % 3 != 0 and s[1] not in CLOSED_STOPS]
    sales: list[tuple] = []
    for day in (FIRST_DAY + timedelta(days=n) for n in range(DAYS)):
        number = random.randint(20, 30) if day.weekday() < 5 else random.randint(14, 24)
        for at in sorted(moment(random, day, LINES[0]) for _ in range(number)):
            sales.append((len(sales) + 1, at, *sale(random, day, machines)))
    return sales


def sale(random: Random, day: date, machines: list[int]) -> tuple:
    """Channel, stop, line, product, quantity, amount and refund of one sale."""
    channel = random.choices(["app", "machine", "counter", "on board"], [48, 30, 8, 14])[0]
    place = {"machine": random.choice(machines), "counter": random.choice((1, 1, 14, 46))}.get(
        channel
    )
    line = lines_on(random, day, 1)[0][0] if channel == "on board" else None
    monthly = 12 if day.day <= 5 else 2
    weights = [45, 12, 16, 8, monthly]
    product = random.choices(list(PRICES), weights)[0] if channel != "on board" else "single"
    quantity = (
        1
        if product in ("weekly", "monthly")
        else random.choices((1, 2, 3, 4, 5), [70, 18, 6, 4, 2])[0]
    )
    return (
        channel,
        place,
        line,
        product,
        quantity,
        quantity * PRICES[product],
        refund(random, day, channel),
    )


def refund(random: Random, day: date, channel: str) -> str | None:
    """A refund within three weeks for a few tickets of the app and the counters."""
    if channel not in ("app", "counter") or random.random() >= 0.04:
        return None
    return (day + timedelta(days=random.randint(0, 20))).isoformat()
