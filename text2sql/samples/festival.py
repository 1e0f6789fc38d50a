"""A music and street-arts festival on a river: four days each June, in 2023, 2024 and 2025.

Covered: which act played which stage and when, who volunteered for which shift, who bought what.
Traps: there is no table of editions, the year is in the dates; names follow no one convention.
NULL means "none" (a guest act, a sponsor, a recruiter, a phone, a genre of an act that is not
music), "without limit" (a street pitch, a ticket quota), "for the hat" (a fee), "all over the site"
(the stage of a shift), "never came" (a ticket's first scan) or "not known" (an audience, a
founding year). Two acts and several volunteers share a name; capacities, prices and head counts
tie. One stage is never played, some acts are never booked, one ticket type never sells, some
volunteers sign up for nothing. Cancelled performances keep their fee. Saturday 2024 was a storm.
"""

from datetime import date, datetime, timedelta
from random import Random

SCHEMA = """
CREATE TABLE Stage (
    StageID INTEGER PRIMARY KEY,
    StageName TEXT NOT NULL,
    Setting TEXT NOT NULL,
    Capacity INTEGER,
    Sponsor TEXT
);
CREATE TABLE acts (
    actId INTEGER PRIMARY KEY,
    actName TEXT NOT NULL,
    artForm TEXT NOT NULL,
    musicGenre TEXT,
    homeCountry TEXT NOT NULL,
    foundedIn INTEGER,
    members INTEGER NOT NULL
);
CREATE TABLE performance (
    perf_no INTEGER PRIMARY KEY,
    act INTEGER NOT NULL REFERENCES acts (actId),
    guest_act INTEGER REFERENCES acts (actId),
    stage INTEGER NOT NULL REFERENCES Stage (StageID),
    start_time TIMESTAMP NOT NULL,
    minutes INTEGER NOT NULL,
    fee_eur INTEGER,
    audience INTEGER,
    state TEXT NOT NULL
);
CREATE TABLE Volunteers (
    VolunteerID INTEGER PRIMARY KEY,
    FullName TEXT NOT NULL,
    BirthYear INTEGER NOT NULL,
    HomeTown TEXT NOT NULL,
    Phone TEXT,
    RecruitedBy INTEGER REFERENCES Volunteers (VolunteerID)
);
CREATE TABLE work_shift (
    shift_no INTEGER PRIMARY KEY,
    StageID INTEGER REFERENCES Stage (StageID),
    task TEXT NOT NULL,
    begins TIMESTAMP NOT NULL,
    hours INTEGER NOT NULL,
    places INTEGER NOT NULL
);
CREATE TABLE SignUp (
    shift_no INTEGER NOT NULL REFERENCES work_shift (shift_no),
    VolunteerID INTEGER NOT NULL REFERENCES Volunteers (VolunteerID),
    turned_up INTEGER NOT NULL,
    PRIMARY KEY (shift_no, VolunteerID)
);
CREATE TABLE ticket_type (
    code TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    valid_days INTEGER NOT NULL,
    price_cents INTEGER NOT NULL,
    yearly_quota INTEGER
);
CREATE TABLE TicketSale (
    SaleNo INTEGER PRIMARY KEY,
    typeCode TEXT NOT NULL REFERENCES ticket_type (code),
    buyerName TEXT NOT NULL,
    buyerCity TEXT NOT NULL,
    qty INTEGER NOT NULL,
    channel TEXT NOT NULL,
    soldAt TIMESTAMP NOT NULL,
    firstScan TIMESTAMP
);
"""

COMMENTS = {
    "Stage": "Places where acts perform",
    "Stage.Setting": "open air, indoor, tent or street",
    "Stage.Capacity": "People admitted; NULL: a street pitch without limit",
    "Stage.Sponsor": "Company that sponsors the stage; NULL: none",
    "acts": "Bands, troupes and solo artists, booked or only applying",
    "acts.artForm": "music, circus, street theatre, dance or puppetry",
    "acts.musicGenre": "folk, rock, jazz, electronic or brass; NULL unless music",
    "acts.foundedIn": "Year founded; NULL: not known",
    "acts.members": "Number of people on stage",
    "performance": "An act's slot on a stage",
    "performance.act": "The act on the bill",
    "performance.guest_act": "Another act that joins in; NULL: none",
    "performance.fee_eur": "Fee agreed in euros; NULL: plays for the hat, without a fee",
    "performance.audience": "Head count; NULL: cancelled or not counted",
    "performance.state": "played or cancelled",
    "Volunteers": "Everybody who registered as a volunteer",
    "Volunteers.RecruitedBy": "The volunteer who brought this one in; NULL: came alone",
    "work_shift": "Blocks of work for volunteers",
    "work_shift.StageID": "Stage the work is at; NULL: all over the site",
    "work_shift.task": "bar, stage hands, first aid, gate, info point or cleaning",
    "work_shift.hours": "Length in hours",
    "work_shift.places": "Volunteers wanted",
    "SignUp": "Which volunteers signed up for which shifts",
    "SignUp.turned_up": "1: came to work, 0: did not",
    "ticket_type": "Kinds of tickets and their prices",
    "ticket_type.valid_days": "Festival days the ticket admits to",
    "ticket_type.price_cents": "Price of one ticket in cents",
    "ticket_type.yearly_quota": "Most tickets sold per year; NULL: no limit",
    "TicketSale": "Ticket purchases; one line may be several tickets of one type",
    "TicketSale.qty": "Number of tickets bought",
    "TicketSale.channel": "web, box office or partner shop",
    "TicketSale.firstScan": "When the buyer first came in; NULL: never came",
}

OPENING_DAYS = [date(2023, 6, 15), date(2024, 6, 13), date(2025, 6, 12)]
STAGES = [
    (1, "River Stage", "open air", 6000, "Nordbank"),
    (2, "Castle Yard", "open air", 2200, "Hopfenhof Brewery"),
    (3, "Old Brewery", "indoor", 900, "Hopfenhof Brewery"),
    (4, "Tram Depot", "indoor", 900, None),
    (5, "Blue Tent", "tent", 700, "City Transport"),
    (6, "Library Garden", "open air", 300, None),
    (7, "Market Steps", "street", None, "Nordbank"),
    (8, "Harbour Pitch", "street", None, None),
    (9, "Mill Attic", "indoor", 120, None),
]
MUSIC = "music"
THEATRE = "street theatre"
ACTS = [
    ("The Lantern Thieves", MUSIC, "folk", "Ireland", 2009, 5),
    ("Salt & Cedar", MUSIC, "folk", "Canada", 2016, 2),
    ("Duo Luna", MUSIC, "folk", "Spain", 2014, 2),
    ("Vesterhav", MUSIC, "folk", "Denmark", 2011, 4),
    ("Maren Holt", MUSIC, "folk", "Norway", None, 1),
    ("Brambleway", MUSIC, "folk", "United Kingdom", 2018, 4),
    ("Kite Weather", MUSIC, "folk", "Germany", 2019, 3),
    ("Old Ferry Union", MUSIC, "folk", "Germany", 2003, 6),
    ("Concrete Swans", MUSIC, "rock", "Germany", 2012, 4),
    ("Velvet Tractor", MUSIC, "rock", "Netherlands", 2015, 5),
    ("Night Bus 9", MUSIC, "rock", "United Kingdom", 2010, 4),
    ("Paper Wolves", MUSIC, "rock", "Sweden", 2008, 4),
    ("Static Orchard", MUSIC, "rock", "Poland", 2017, 3),
    ("Tin Cathedral", MUSIC, "rock", "Ireland", 2013, 5),
    ("Los Semáforos", MUSIC, "rock", "Spain", 2006, 5),
    ("Ruda Hvězda", MUSIC, "rock", "Czechia", None, 4),
    ("Harbour Lights Quartet", MUSIC, "jazz", "Germany", 2001, 4),
    ("Amara Diallo", MUSIC, "jazz", "France", None, 1),
    ("Trio Kestrel", MUSIC, "jazz", "Switzerland", 2012, 3),
    ("Blue Tram Ensemble", MUSIC, "jazz", "Austria", 2007, 7),
    ("Sunday Cartographers", MUSIC, "jazz", "Belgium", 2018, 5),
    ("Okonkwo Five", MUSIC, "jazz", "United Kingdom", 2014, 5),
    ("Glasshouse", MUSIC, "electronic", "Germany", 2016, 2),
    ("DJ Moth", MUSIC, "electronic", "Netherlands", 2019, 1),
    ("Neon Shepherds", MUSIC, "electronic", "France", 2015, 2),
    ("Fjordlab", MUSIC, "electronic", "Norway", 2017, 3),
    ("Petra Null", MUSIC, "electronic", "Austria", 2020, 1),
    ("Modul 8", MUSIC, "electronic", "Poland", 2013, 2),
    ("Balkan Kettle", MUSIC, "brass", "Serbia", 2005, 11),
    ("Fanfare du Pont", MUSIC, "brass", "France", 1998, 14),
    ("Rust & Trumpets", MUSIC, "brass", "Netherlands", 2010, 9),
    ("Brass Monkeys", MUSIC, "brass", "United Kingdom", 2012, 10),
    ("Blechwerk", MUSIC, "brass", "Germany", 2004, 12),
    ("Banda Sirocco", MUSIC, "brass", "Italy", None, 11),
    ("Cirque Minuscule", "circus", None, "France", 2011, 4),
    ("The Tumbling Clerks", "circus", None, "United Kingdom", 2009, 3),
    ("Compagnie Vertige", "circus", None, "France", 2014, 6),
    ("Ring & Rope", "circus", None, "Belgium", 2016, 2),
    ("Akrobat Kollektiv", "circus", None, "Germany", 2013, 5),
    ("Hula Hilda", "circus", None, "Sweden", None, 1),
    ("Los Equilibristas", "circus", None, "Spain", 2008, 4),
    ("Duo Luna", "circus", None, "Finland", 2017, 2),
    ("Nordlys Aerial", "circus", None, "Denmark", 2018, 3),
    ("Fuoco Lento", "circus", None, "Italy", 2010, 3),
    ("Teatr Na Szczudłach", THEATRE, None, "Poland", 1999, 8),
    ("The Umbrella Office", THEATRE, None, "Netherlands", 2012, 4),
    ("Gentlemen of the Bench", THEATRE, None, "United Kingdom", 2007, 2),
    ("Théâtre Trottoir", THEATRE, None, "France", 2003, 5),
    ("Statue Stanislav", THEATRE, None, "Czechia", None, 1),
    ("Die Stadtmusikanten", THEATRE, None, "Germany", 2015, 4),
    ("Giants of Ghent", THEATRE, None, "Belgium", 1995, 9),
    ("Lost Luggage Co.", THEATRE, None, "Ireland", 2016, 3),
    ("Pavement Opera", THEATRE, None, "Italy", 2011, 6),
    ("Silent Waiters", THEATRE, None, "Switzerland", 2014, 3),
    ("Corpo Aberto", "dance", None, "Portugal", 2012, 6),
    ("Tanzwerk Nord", "dance", None, "Germany", 2006, 8),
    ("Gravity Club", "dance", None, "Netherlands", 2015, 5),
    ("Flamenco Errante", "dance", None, "Spain", 2002, 4),
    ("Step Left", "dance", None, "Ireland", 2018, 6),
    ("Nomad Steps", "dance", None, "France", 2017, 5),
    ("Ballett am Kai", "dance", None, "Germany", 2010, 9),
    ("Asha Varma", "dance", None, "United Kingdom", None, 1),
    ("Sock Drawer Theatre", "puppetry", None, "United Kingdom", 2013, 2),
    ("Marionetas do Porto", "puppetry", None, "Portugal", 1997, 4),
    ("Papierschiff", "puppetry", None, "Germany", 2014, 2),
    ("Loutky z Plzně", "puppetry", None, "Czechia", 1988, 5),
    ("Le Petit Fil", "puppetry", None, "France", 2016, 2),
    ("Giant Heron", "puppetry", None, "Netherlands", 2019, 7),
    ("Shadow Pantry", "puppetry", None, "Sweden", 2015, 2),
    ("Grandfather's Suitcase", "puppetry", None, "Poland", None, 1),
]
# These applied and were never booked.
UNBOOKED_ACTS = {8, 16, 28, 40, 54, 62, 70}
# Opening hours of a stage's slots, and the art forms it takes.
SLOTS = {
    1: ([17, 19, 21], [MUSIC]),
    2: ([15, 18, 20], [MUSIC, "dance"]),
    3: ([20, 22], [MUSIC]),
    4: ([21, 23], [MUSIC]),
    5: ([14, 16, 19], ["circus", "dance"]),
    6: ([11, 15], ["puppetry", MUSIC]),
    7: ([12, 13, 15, 17], [THEATRE, "circus", "puppetry"]),
    8: ([12, 14, 16, 18], [THEATRE, "circus", "dance"]),
}
FIRST_NAMES = [
    "Aisha", "Bram", "Carla", "Dario", "Eva", "Finn", "Hanna", "Ilse", "Jan", "Karim", "Lotte",
    "Malik", "Nora", "Oskar", "Pia", "Quentin", "Ronja", "Sven", "Thea", "Umut", "Vera", "Wim",
]  # fmt: skip
LAST_NAMES = [
    "Arslan", "Becker", "Claes", "Dahl", "Engel", "Fuchs", "Gruber", "Hansen", "Ito", "Jung",
    "Kowalski", "Lange", "Meyer", "Nowak", "Otto", "Popescu", "Reis", "Sommer", "Thomsen", "Vogel",
]  # fmt: skip
CITIES = {
    "Bremen": 34, "Oldenburg": 16, "Hamburg": 14, "Hannover": 9, "Verden": 7,
    "Delmenhorst": 7, "Groningen": 5, "Osnabrück": 4, "Leer": 3, "Berlin": 3,
}  # fmt: skip
VOLUNTEER_TOWNS = ["Bremen", "Bremen", "Bremen", "Oldenburg", "Verden", "Delmenhorst", "Achim"]
TASKS_AT_STAGES = ["bar", "stage hands", "first aid"]
TASKS_ON_SITE = ["gate", "info point", "cleaning"]
TICKET_TYPES = [
    ("PASS", "Festival Pass", 4, 12900, None),
    ("PASS-R", "Festival Pass Reduced", 4, 8900, None),
    ("SUPP", "Supporter Pass", 4, 25000, 60),
    ("THU", "Thursday Ticket", 1, 2900, 3000),
    ("FRI", "Friday Ticket", 1, 3900, 4000),
    ("SAT", "Saturday Ticket", 1, 4900, 5000),
    ("SUN", "Sunday Ticket", 1, 3900, 4000),
    ("FAM", "Family Weekend", 2, 8900, 400),
    ("KID", "Child Day Ticket", 1, 900, None),
    ("BOAT", "Boat Trip", 1, 3500, 30),
]
TYPE_WEIGHTS = [30, 12, 2, 5, 10, 18, 9, 6, 8, 0]
# The festival day (0: Thursday) on which holders of a ticket come first, and how likely.
FIRST_DAYS = {
    "PASS": [0, 0, 1, 1, 1, 2], "PASS-R": [0, 0, 1, 1, 2], "SUPP": [0], "THU": [0], "FRI": [1],
    "SAT": [2], "SUN": [3], "FAM": [2], "KID": [2, 2, 3],
}  # fmt: skip


def rows(random: Random) -> dict[str, list[tuple]]:
    """Return each table's rows, parents before children."""
    acts = [(number, *act) for number, act in enumerate(ACTS, start=1)]
    volunteers = _volunteers(random)
    shifts = _shifts(random)
    return {
        "Stage": STAGES,
        "acts": acts,
        "performance": _performances(random, acts),
        "Volunteers": volunteers,
        "work_shift": shifts,
        "SignUp": _sign_ups(random, shifts, volunteers),
        "ticket_type": TICKET_TYPES,
        "TicketSale": _ticket_sales(random),
    }


def _performances(random: Random, acts: list[tuple]) -> list[tuple]:
    """Fill every slot; an act plays at most once a day and asks about the same fee each time."""
    fees = {act[0]: _usual_fee(random, act) for act in acts}
    performances: list[tuple] = []
    for opening in OPENING_DAYS:
        invited = [act for act in acts if act[0] not in UNBOOKED_ACTS and random.random() < 0.72]
        for day in range(4):
            booked: set[int] = set()
            for stage, hour in _slots(random, day):
                fitting = [one for one in invited if one[2] in SLOTS[stage][1]]
                act = random.choice([one for one in fitting if one[0] not in booked])
                booked.add(act[0])
                start = datetime.combine(opening, datetime.min.time()) + timedelta(
                    days=day, hours=hour, minutes=random.choice([0, 0, 15, 30])
                )
                record = (len(performances) + 1, act[0], _guest(random, act, invited), stage)
                fee = _fee(random, fees[act[0]], stage)
                performances.append((*record, str(start), *_course(random, stage, start, fee)))
    return performances


def _slots(random: Random, day: int) -> list[tuple[int, int]]:
    """The evening hours only on Thursday, and a fifth of the small slots stay empty."""
    slots = [(stage, hour) for stage, (hours, _) in SLOTS.items() for hour in hours]
    return [
        (stage, hour)
        for stage, hour in slots
        if (day > 0 or hour >= 16) and (stage < 3 or random.random() < 0.8)
    ]


def _usual_fee(random: Random, act: tuple) -> float:
    """Fees grow with the number of people and have a long tail."""
    return (300 + 150 * act[6]) * random.lognormvariate(0.3, 0.6)


def _fee(random: Random, usual: float, stage: int) -> int | None:
    """A third of the street slots are played for the hat; the big stage pays four times as much."""
    if stage in (7, 8) and random.random() < 0.34:
        return None
    return 50 * round(usual * (4 if stage == 1 else 1) * random.uniform(0.9, 1.1) / 50)


def _guest(random: Random, act: tuple, invited: list[tuple]) -> int | None:
    if act[2] != MUSIC or random.random() > 0.14:
        return None
    return random.choice([one[0] for one in invited if one[2] == MUSIC and one[0] != act[0]])


def _course(
    random: Random, stage: int, start: datetime, fee: int | None
) -> tuple[int, int | None, int | None, str]:
    """Return minutes, fee, audience and state; the open air was called off on Saturday 2024."""
    minutes = random.choice([60, 75, 90, 90]) if stage < 5 else random.choice([25, 30, 45, 45, 60])
    stormy = start.date() == date(2024, 6, 15) and stage in (1, 2, 6, 7, 8)
    if random.random() < (0.75 if stormy else 0.025):
        return minutes, fee, None, "cancelled"
    if random.random() < 0.05:
        return minutes, fee, None, "played"
    return minutes, fee, _audience(random, stage, start), "played"


def _audience(random: Random, stage: int, start: datetime) -> int:
    """Round counts; evenings and Saturdays fill a stage, now and then beyond its capacity."""
    capacity = STAGES[stage - 1][3]
    if capacity is None:
        return 10 * random.randrange(3, 45)
    keen = 0.12 * (start.hour >= 19) + 0.12 * (start.weekday() == 5)
    share = min(1.06, max(0.15, random.gauss(0.6 + keen, 0.2)))
    return 10 * round(capacity * share / 10)


def _volunteers(random: Random) -> list[tuple]:
    volunteers = []
    for number in range(1, 161):
        name = f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"
        # Two people of one name, to tell grouping by id from grouping by name.
        name = "Nora Lange" if number in (18, 95) else name
        born = 2005 - min(55, int(random.expovariate(0.07)))
        phone = f"0421-{random.randrange(10_000, 99_999)}" if random.random() < 0.8 else None
        recruiter = 1 + int((number - 1) * random.random() ** 2) if number > 5 else None
        recruiter = recruiter if random.random() < 0.45 else None
        town = random.choice(VOLUNTEER_TOWNS)
        volunteers.append((number, name, born, town, phone, recruiter))
    return volunteers


def _shifts(random: Random) -> list[tuple]:
    """Per festival day two site-wide shifts of each task and some work at every stage in use."""
    shifts: list[tuple] = []
    for opening in OPENING_DAYS:
        for day in range(4):
            places: list[tuple[int | None, str]] = [(None, task) for task in TASKS_ON_SITE * 2]
            places += [(stage, random.choice(TASKS_AT_STAGES)) for stage in range(1, 9)]
            places.append((1, "bar"))
            for stage, task in places:
                hour = random.choice([10, 14, 16, 18])
                begins = datetime(opening.year, 6, opening.day + day, hour)
                hours = random.choice([4, 4, 5, 6])
                wanted = random.choice([2, 3, 3, 4, 6])
                shifts.append((len(shifts) + 1, stage, task, str(begins), hours, wanted))
    return shifts


def _sign_ups(random: Random, shifts: list[tuple], volunteers: list[tuple]) -> list[tuple]:
    """Some volunteers are far keener than others, every eleventh never signs up."""
    keen = [one[0] for one in volunteers if one[0] % 11]
    weights = [random.choice([1, 1, 2, 2, 3, 7]) for _ in keen]
    sign_ups = []
    for shift in shifts:
        lack = random.choices([0, 1, 2, 6], [70, 16, 9, 5])[0]
        chosen: set[int] = set()
        while len(chosen) < shift[5] - lack:
            chosen.add(random.choices(keen, weights)[0])
        for volunteer in sorted(chosen):
            sign_ups.append((shift[0], volunteer, int(random.random() < 0.92)))
    return sign_ups


def _ticket_sales(random: Random) -> list[tuple]:
    """Sales from January on, more and more towards the festival; numbered in order of time."""
    drafts = []
    for opening, count in zip(OPENING_DAYS, [780, 850, 960], strict=True):
        for _ in range(count):
            code = random.choices([one[0] for one in TICKET_TYPES], TYPE_WEIGHTS)[0]
            first_day = opening + timedelta(days=random.choice(FIRST_DAYS[code]))
            drafts.append(_draft_sale(random, code, opening, first_day))
    drafts.sort(key=lambda draft: draft[5])
    return [(number, *draft) for number, draft in enumerate(drafts, start=1)]


def _draft_sale(random: Random, code: str, opening: date, first_day: date) -> tuple:
    buyer = f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"
    city = random.choices(list(CITIES), list(CITIES.values()))[0]
    qty = 1 if code == "SUPP" else random.choices([1, 2, 3, 4, 6], [38, 40, 9, 10, 3])[0]
    if random.random() < 0.14:
        sold = _moment(random, first_day, 11, 20)
        scan = sold + timedelta(minutes=random.randrange(2, 45))
        return code, buyer, city, qty, "box office", str(sold), str(scan)
    days_ahead = min(150, 1 + int(random.expovariate(1 / 35)))
    sold = _moment(random, opening - timedelta(days=days_ahead), 8, 23)
    channel = random.choices(["web", "partner shop"], [80, 20])[0]
    absent = 0.18 if first_day == date(2024, 6, 15) else 0.06
    came = random.random() >= absent
    scan_text = str(_moment(random, first_day, 11, 22)) if came else None
    return code, buyer, city, qty, channel, str(sold), scan_text


def _moment(random: Random, day: date, first_hour: int, last_hour: int) -> datetime:
    start = datetime(day.year, day.month, day.day, first_hour)
    return start + timedelta(minutes=random.randrange((last_hour - first_hour) * 60))
