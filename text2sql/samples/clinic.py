"""The sample database `clinic`: an outpatient clinic with eight departments in Yorkshire.

Appointments run from January 2024 to the end of November 2025; the books were copied on the
evening of 30 September 2025, so that whatever starts later is still `booked` (or cancelled).

Covered:
- NULL means: the patient gave no phone; the patient pays without an insurer; no family doctor in
  this house; a head of department has no boss; the doctor still works here; nothing was billed;
  a medicine is not dosed in milligrams; the sample was taken without an appointment, could not
  be measured, or the range has no lower limit.
- Ties on purpose: fees, prices and lengths come from short lists, many patients share a count.
- Rows without partners: a department without doctors, a doctor without appointments, patients who
  never came, medicines nobody prescribed, visits without a diagnosis.
- Different patients with one name (Wei Chen, Mary Shaw), and a doctor who has a patient's name.

Traps: several columns are terse (`dob`, `rx_only`, `mins`, `ref_hi`); a visit may have several
diagnoses of which at most one is primary; `doctors.fee_cents` is the tariff of today,
`appointments.fee_cents` is what was billed. `doctors` refers to itself: DuckDB wants its rows
one by one.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

SCHEMA = """
CREATE TABLE departments (
    dept_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    floor INTEGER NOT NULL,
    phone_ext TEXT NOT NULL
);
CREATE TABLE doctors (
    doctor_id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    dept_id INTEGER NOT NULL REFERENCES departments (dept_id),
    boss_id INTEGER REFERENCES doctors (doctor_id),
    grade TEXT NOT NULL,
    fee_cents INTEGER NOT NULL,
    hired_on DATE NOT NULL,
    left_on DATE
);
CREATE TABLE patients (
    patient_id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    sex TEXT NOT NULL,
    dob DATE NOT NULL,
    city TEXT NOT NULL,
    phone TEXT,
    insurer TEXT,
    gp_id INTEGER REFERENCES doctors (doctor_id),
    registered_on DATE NOT NULL
);
CREATE TABLE appointments (
    appt_id INTEGER PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patients (patient_id),
    doctor_id INTEGER NOT NULL REFERENCES doctors (doctor_id),
    starts_at TIMESTAMP NOT NULL,
    mins INTEGER NOT NULL,
    visit_type TEXT NOT NULL,
    status TEXT NOT NULL,
    fee_cents INTEGER
);
CREATE TABLE diagnoses (
    dx_id INTEGER PRIMARY KEY,
    appt_id INTEGER NOT NULL REFERENCES appointments (appt_id),
    icd TEXT NOT NULL,
    dx_name TEXT NOT NULL,
    is_primary INTEGER NOT NULL
);
CREATE TABLE medicines (
    med_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    form TEXT NOT NULL,
    strength_mg DOUBLE,
    price_cents INTEGER NOT NULL,
    rx_only INTEGER NOT NULL,
    maker TEXT NOT NULL
);
CREATE TABLE prescriptions (
    appt_id INTEGER NOT NULL REFERENCES appointments (appt_id),
    med_id INTEGER NOT NULL REFERENCES medicines (med_id),
    dose_per_day INTEGER NOT NULL,
    days INTEGER NOT NULL,
    repeats INTEGER NOT NULL,
    PRIMARY KEY (appt_id, med_id)
);
CREATE TABLE lab_results (
    lab_id INTEGER PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patients (patient_id),
    appt_id INTEGER REFERENCES appointments (appt_id),
    test TEXT NOT NULL,
    value DOUBLE,
    unit TEXT NOT NULL,
    ref_lo DOUBLE,
    ref_hi DOUBLE NOT NULL,
    taken_on DATE NOT NULL
);
"""

COMMENTS = {
    "departments": "departments of the clinic, also the one that has no doctors yet",
    "departments.phone_ext": "internal phone extension",
    "doctors": "doctors who work or worked here",
    "doctors.boss_id": "the doctor this one reports to; empty for a head of department",
    "doctors.grade": "consultant, registrar or trainee",
    "doctors.fee_cents": "tariff for one visit today, pence",
    "doctors.left_on": "last working day; empty while employed",
    "patients": "registered patients, also those who never came",
    "patients.sex": "F or M",
    "patients.dob": "date of birth",
    "patients.phone": "empty when the patient gave none",
    "patients.insurer": "private insurer; empty when the patient pays",
    "patients.gp_id": "family doctor (general practitioner) in this clinic; empty when elsewhere",
    "patients.registered_on": "day the file was opened",
    "appointments": "visits, also missed, cancelled and future ones",
    "appointments.mins": "planned length in minutes",
    "appointments.visit_type": "first, follow_up or phone; first means first in that department",
    "appointments.status": "done, no_show (patient did not come), cancelled or booked (to come)",
    "appointments.fee_cents": "what was billed, pence; empty when nothing was billed",
    "diagnoses": "what a doctor found at a visit",
    "diagnoses.dx_id": "key of the diagnosis",
    "diagnoses.icd": "ICD-10 code",
    "diagnoses.dx_name": "name of the condition",
    "diagnoses.is_primary": "1 for the main diagnosis of the visit, 0 for a further one",
    "medicines": "the formulary: medicines that doctors here may prescribe",
    "medicines.form": "tablet, capsule, syrup, inhaler, cream or drops",
    "medicines.strength_mg": "active substance in one dose, milligrams; empty for creams and drops",
    "medicines.price_cents": "price of one pack, pence",
    "medicines.rx_only": "1 when a prescription is needed, 0 when sold over the counter",
    "prescriptions": "which medicines a visit ended with",
    "prescriptions.dose_per_day": "doses a day",
    "prescriptions.days": "length of the course",
    "prescriptions.repeats": "how often it may be dispensed again",
    "lab_results": "laboratory measurements",
    "lab_results.appt_id": "the visit that ordered it; empty for a walk-in sample",
    "lab_results.test": "name of the test",
    "lab_results.value": "measured value; empty when the sample could not be used",
    "lab_results.ref_lo": "lower limit of the normal range; empty when there is none",
    "lab_results.ref_hi": "upper limit of the normal range",
    "lab_results.taken_on": "day the sample was taken",
}

START = date(2024, 1, 2)
TODAY = date(2025, 9, 30)
END = date(2025, 11, 30)
PATIENTS = 420
APPOINTMENTS = 2300

DEPARTMENTS = (
    ("Cardiology", 2, "210"),
    ("Dermatology", 1, "115"),
    ("Endocrinology", 2, "230"),
    ("General Practice", 0, "100"),
    ("Neurology", 3, "310"),
    ("Orthopaedics", 1, "120"),
    ("Paediatrics", 0, "140"),
    ("Geriatrics", 3, "350"),  # founded, without doctors yet
)
DOCTORS = (  # first name, last name, department, grade, relative number of appointments
    ("Helen", "Marsh", 1, "consultant", 8),
    ("Omar", "Farouk", 1, "registrar", 6),
    ("Priya", "Nair", 1, "trainee", 3),
    ("Tom", "Ellison", 2, "consultant", 7),
    ("Grace", "Okafor", 2, "registrar", 7),
    ("Ivan", "Petrov", 3, "consultant", 5),
    ("Lucy", "Hargreaves", 3, "registrar", 6),
    ("Mary", "Shaw", 4, "consultant", 14),
    ("Daniel", "Whitaker", 4, "consultant", 12),
    ("Aisha", "Rahman", 4, "registrar", 13),
    ("Peter", "Doyle", 4, "trainee", 6),
    ("Sofia", "Lindqvist", 5, "consultant", 5),
    ("Marcus", "Bell", 5, "registrar", 4),
    ("Fiona", "Gallagher", 6, "consultant", 6),
    ("Rajesh", "Nair", 6, "registrar", 6),
    ("Emma", "Stone", 6, "trainee", 2),
    ("Samuel", "Adeyemi", 7, "consultant", 8),
    ("Laura", "Finch", 7, "registrar", 8),
    ("Nina", "Kowalska", 7, "trainee", 3),
    ("George", "Abbott", 4, "trainee", 0),  # newly hired
)
LEFT = {5: "2025-03-31", 13: "2024-11-15", 16: "2025-06-30"}  # doctor number to last working day
TARIFF = {"consultant": (9000, 11000, 12500), "registrar": (6500, 7500), "trainee": (4500,)}

HIRED = {
    "consultant": (date(2008, 1, 1), date(2018, 12, 31)),
    "registrar": (date(2016, 1, 1), date(2022, 12, 31)),
    "trainee": (date(2022, 9, 1), date(2023, 12, 1)),
}

FEMALE = [
    "Alice",
    "Beatrice",
    "Chloe",
    "Diana",
    "Ellen",
    "Farah",
    "Hannah",
    "Irene",
    "Jane",
    "Kate",
    "Layla",
    "Mary",
    "Nora",
    "Ruth",
]
MALE = [
    "Adam",
    "Brian",
    "Carl",
    "Derek",
    "Edward",
    "Frank",
    "Harry",
    "Imran",
    "Jack",
    "Kevin",
    "Liam",
    "Martin",
    "Noah",
    "Oscar",
]
SURNAMES = [
    "Ashworth",
    "Booth",
    "Clegg",
    "Dawson",
    "Earnshaw",
    "Firth",
    "Greenwood",
    "Holt",
    "Ibrahim",
    "Jagger",
    "Khan",
    "Lumb",
    "Mistry",
    "Naylor",
    "Oldroyd",
    "Patel",
    "Quinn",
    "Robertshaw",
    "Sutcliffe",
    "Thackray",
    "Usman",
    "Varley",
    "Wood",
    "Yates",
]
NAMESAKES = (
    ("Wei", "Chen", "M"),
    ("Mary", "Shaw", "F"),
    ("Wei", "Chen", "F"),
    ("Mary", "Shaw", "F"),
)
CITIES = ("Leeds", "Bradford", "York", "Wakefield", "Harrogate", "Halifax", "Ilkley")
CITY_WEIGHT = (30, 22, 14, 12, 10, 8, 4)
INSURERS = ("Bupa", "AXA", "Vitality", "Aviva", None)
INSURER_WEIGHT = (28, 20, 14, 10, 28)

CONDITIONS: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("I10", "hypertension"), ("I48", "atrial fibrillation"), ("I25", "coronary heart disease")),
    2: (("L20", "atopic dermatitis"), ("L40", "psoriasis"), ("L70", "acne"), ("B07", "viral wart")),
    3: (("E11", "type 2 diabetes"), ("E03", "hypothyroidism"), ("E66", "obesity")),
    4: (
        ("J06", "common cold"),
        ("I10", "hypertension"),
        ("E11", "type 2 diabetes"),
        ("M54", "back pain"),
        ("F32", "depression"),
        ("J45", "asthma"),
        ("N39", "urinary tract infection"),
    ),
    5: (("G43", "migraine"), ("G40", "epilepsy"), ("G20", "Parkinson disease")),
    6: (("M54", "back pain"), ("M17", "knee arthrosis"), ("S93", "ankle sprain")),
    7: (
        ("J45", "asthma"),
        ("H66", "otitis media"),
        ("J06", "common cold"),
        ("L20", "atopic dermatitis"),
    ),
}
MEDICINES = (  # name, form, strength, price, prescription only, maker, treated conditions
    ("Amlodipine", "tablet", 5.0, 320, 1, "Northpharm", "I10"),
    ("Amlodipine", "tablet", 10.0, 410, 1, "Northpharm", "I10"),
    ("Ramipril", "capsule", 5.0, 380, 1, "Helix", "I10 I25"),
    ("Bisoprolol", "tablet", 2.5, 290, 1, "Helix", "I48 I25"),
    ("Apixaban", "tablet", 5.0, 5320, 1, "Corvita", "I48"),
    ("Atorvastatin", "tablet", 20.0, 450, 1, "Northpharm", "I25"),
    ("Hydrocortisone", "cream", None, 520, 0, "Dermalux", "L20"),
    ("Calcipotriol", "cream", None, 1890, 1, "Dermalux", "L40"),
    ("Benzoyl Peroxide", "cream", None, 680, 0, "Dermalux", "L70"),
    ("Doxycycline", "capsule", 100.0, 740, 1, "Helix", "L70 N39"),
    ("Salicylic Acid", "drops", None, 450, 0, "Dermalux", "B07"),
    ("Metformin", "tablet", 500.0, 260, 1, "Northpharm", "E11"),
    ("Metformin", "tablet", 1000.0, 390, 1, "Corvita", "E11"),
    ("Semaglutide", "tablet", 7.0, 9850, 1, "Corvita", "E11 E66"),
    ("Levothyroxine", "tablet", 0.05, 310, 1, "Helix", "E03"),
    ("Paracetamol", "tablet", 500.0, 180, 0, "Northpharm", "J06 M54 G43 S93"),
    ("Paracetamol", "syrup", 120.0, 350, 0, "Brightkids", "J06 H66"),
    ("Ibuprofen", "tablet", 400.0, 260, 0, "Northpharm", "M54 M17 S93"),
    ("Naproxen", "tablet", 500.0, 560, 1, "Helix", "M17 M54"),
    ("Sertraline", "tablet", 50.0, 430, 1, "Corvita", "F32"),
    ("Salbutamol", "inhaler", 0.1, 590, 1, "Airway", "J45"),
    ("Beclometasone", "inhaler", 0.1, 1240, 1, "Airway", "J45"),
    ("Nitrofurantoin", "capsule", 100.0, 980, 1, "Helix", "N39"),
    ("Sumatriptan", "tablet", 50.0, 1120, 1, "Corvita", "G43"),
    ("Lamotrigine", "tablet", 100.0, 890, 1, "Helix", "G40"),
    ("Levodopa", "tablet", 100.0, 2140, 1, "Corvita", "G20"),
    ("Amoxicillin", "syrup", 250.0, 640, 1, "Brightkids", "H66"),
    ("Ear Drops", "drops", None, 520, 0, "Brightkids", "H66"),
    ("Warfarin", "tablet", 5.0, 290, 1, "Northpharm", ""),  # on the list, no longer prescribed
    ("Vitamin D", "capsule", 0.02, 450, 0, "Brightkids", ""),
)
TESTS = (  # name, unit, lower limit, upper limit, mean, deviation, ordered for
    ("HbA1c", "mmol/mol", 20.0, 42.0, 47.0, 11.0, "E11 E66"),
    ("LDL", "mmol/L", None, 3.0, 2.9, 0.8, "I10 I25 E11"),
    ("TSH", "mIU/L", 0.4, 4.0, 3.1, 1.4, "E03 F32"),
    ("CRP", "mg/L", None, 5.0, 6.0, 5.0, "J06 N39 M17 L40"),
    ("creatinine", "umol/L", 50.0, 105.0, 82.0, 17.0, "I10 I48"),
    ("haemoglobin", "g/L", 120.0, 165.0, 138.0, 15.0, "G43 I25"),
)
MONTH_WEIGHT = (1.3, 1.2, 1.1, 1.0, 1.0, 0.9, 0.8, 0.6, 1.0, 1.2, 1.3, 1.0)
WEEKDAY_WEIGHT = (1.4, 1.2, 1.0, 1.1, 0.9, 0.25, 0.0)


def rows(random: Random) -> dict[str, list[tuple]]:
    """Fill every table, parents before children.

    Args:
        random: The only source of chance; the same seed gives the same rows.

    Returns:
        Table name to rows in column order.
    """
    doctors = _doctors(random)
    patients = _patients(random)
    appointments = _appointments(random, doctors, patients)
    diagnoses = _diagnoses(random, doctors, appointments)
    return {
        "departments": [(key, *row) for key, row in enumerate(DEPARTMENTS, start=1)],
        "doctors": doctors,
        "patients": patients,
        "appointments": appointments,
        "diagnoses": diagnoses,
        "medicines": [(key, *row[:6]) for key, row in enumerate(MEDICINES, start=1)],
        "prescriptions": _prescriptions(random, diagnoses),
        "lab_results": _lab_results(random, patients, appointments, diagnoses),
    }


def _doctors(random: Random) -> list[tuple]:
    heads: dict[int, int] = {}
    result = []
    for key, (first, last, department, grade, load) in enumerate(DOCTORS, start=1):
        boss = heads.get(department)
        heads.setdefault(department, key)
        hired = _day(random, *HIRED[grade]) if load else date(2025, 9, 15)
        fee = random.choice(TARIFF[grade])
        row = (first, last, department, boss, grade, fee, str(hired), LEFT.get(key))
        result.append((key, *row))
    return result


def _patients(random: Random) -> list[tuple]:
    opened = sorted(_day(random, date(2020, 1, 6), TODAY) for _ in range(PATIENTS))
    result = []
    for key, registered in enumerate(opened, start=1):
        first, last, sex = _person(random, key)
        born = min(_day(random, date(1934, 1, 1), date(2024, 6, 30)), registered)
        city = random.choices(CITIES, CITY_WEIGHT)[0]
        phone = None if random.random() < 0.12 else f"07{random.randint(10**8, 10**9 - 1)}"
        insurer = random.choices(INSURERS, INSURER_WEIGHT)[0]
        gp = random.choice((8, 9, 10, 11)) if random.random() < 0.6 else None
        row = (first, last, sex, str(born), city, phone, insurer, gp, str(registered))
        result.append((key, *row))
    return result


def _person(random: Random, key: int) -> tuple[str, str, str]:
    """Give the namesakes every fiftieth place, so that they exist whatever the seed."""
    if key % 50 == 0 and key // 50 <= len(NAMESAKES):
        return NAMESAKES[key // 50 - 1]
    sex = random.choice("FFFMM")
    return random.choice(FEMALE if sex == "F" else MALE), random.choice(SURNAMES), sex


def _appointments(random: Random, doctors: list[tuple], patients: list[tuple]) -> list[tuple]:
    days = [START + timedelta(days=n) for n in range((END - START).days + 1)]
    weights = [MONTH_WEIGHT[day.month - 1] * WEEKDAY_WEIGHT[day.weekday()] for day in days]
    frailty = [min(random.paretovariate(1.3), 9.0) * (random.random() > 0.08) for _ in patients]
    drawn = sorted(random.choices(days, weights, k=APPOINTMENTS))
    slots: list[tuple] = []
    for day, patient in zip(drawn, random.choices(patients, frailty, k=APPOINTMENTS), strict=True):
        if str(day) < patient[9] or (day > TODAY and random.random() < 0.4):
            continue
        slots.append((_slot(random, day), patient, _choose_doctor(random, doctors, patient, day)))
    seen: set[tuple[int, int]] = set()
    result: list[tuple] = []
    for start, patient, doctor in sorted(slots, key=lambda slot: slot[0]):
        known = (patient[0], doctor[3]) in seen
        seen.add((patient[0], doctor[3]))
        visit = (str(start), *_visit(random, start, doctor[6], known=known))
        result.append((len(result) + 1, patient[0], doctor[0], *visit))
    return result


def _slot(random: Random, day: date) -> datetime:
    hour = random.choices(range(8, 18), (5, 9, 10, 9, 4, 3, 8, 8, 6, 2))[0]
    if day.weekday() == 5:
        hour = random.choice((9, 10, 11))
    return datetime(day.year, day.month, day.day, hour, random.choice((0, 15, 30, 45)))


def _choose_doctor(random: Random, doctors: list[tuple], patient: tuple, day: date) -> tuple:
    """Draw a doctor at work on `day`: children go to paediatrics, others mostly to their own."""
    child = patient[4] > f"{day.year - 15}"
    weights = []
    for doctor, (*_, load) in zip(doctors, DOCTORS, strict=True):
        at_work = doctor[8] is None or str(day) <= doctor[8]
        right_age = (doctor[3] == 7) == child
        weights.append(load * at_work * right_age * (3 if doctor[0] == patient[8] else 1))
    return random.choices(doctors, weights)[0]


def _visit(random: Random, start: datetime, tariff: int, *, known: bool) -> tuple:
    """Give length, type, status and billed fee of an appointment."""
    kind = "first" if not known else random.choice(("follow_up", "follow_up", "follow_up", "phone"))
    mins = {"first": random.choice((30, 30, 45)), "follow_up": random.choice((15, 20)), "phone": 10}
    if start.date() > TODAY:
        status = random.choices(("booked", "cancelled"), (93, 7))[0]
    else:
        missed = 12 if start.weekday() == 0 else 7
        status = random.choices(("done", "no_show", "cancelled"), (84, missed, 8))[0]
    part = 2 if kind == "phone" else 1
    billed = status == "done" and random.random() > 0.04
    return mins[kind], kind, status, tariff // part if billed else None


def _diagnoses(random: Random, doctors: list[tuple], appointments: list[tuple]) -> list[tuple]:
    departments = {doctor[0]: doctor[3] for doctor in doctors}
    result: list[tuple] = []
    for appointment in appointments:
        if appointment[6] != "done" or random.random() < 0.12:
            continue
        known = CONDITIONS[departments[appointment[2]]]
        weights = range(len(known) + 1, 1, -1)
        found = random.choices(known, weights, k=random.choice((1, 1, 1, 2)))
        for place, (icd, name) in enumerate(dict.fromkeys(found)):
            result.append((len(result) + 1, appointment[0], icd, name, int(place == 0)))
    return result


def _prescriptions(random: Random, diagnoses: list[tuple]) -> list[tuple]:
    result: dict[tuple[int, int], tuple] = {}
    for _, appointment, icd, _, _ in diagnoses:
        fitting = [key for key, row in enumerate(MEDICINES, start=1) if icd in row[6].split()]
        for medicine in random.sample(fitting, min(len(fitting), random.choice((0, 1, 1, 1, 2)))):
            days = random.choice((5, 7, 10, 14, 28, 28, 56, 90))
            repeats = random.choice((1, 2, 3, 6)) if days >= 28 else 0
            dose = random.choices((1, 2, 3, 4), (50, 30, 15, 5))[0]
            result[appointment, medicine] = (appointment, medicine, dose, days, repeats)
    return [result[key] for key in sorted(result)]


def _lab_results(
    random: Random, patients: list[tuple], appointments: list[tuple], diagnoses: list[tuple]
) -> list[tuple]:
    ordered = []
    for _, key, icd, _, _ in diagnoses:
        visit = appointments[key - 1]
        for test in TESTS:
            if icd in test[6].split() and random.random() < 0.5:
                taken = date.fromisoformat(visit[3][:10]) + timedelta(
                    days=random.choice((0, 0, 1, 3, 7))
                )
                ordered.append((str(min(taken, TODAY)), visit[1], key, test))
    for _ in range(90):
        patient = random.choice(patients)
        taken = _day(random, max(START, date.fromisoformat(patient[9])), TODAY)
        ordered.append((str(taken), patient[0], None, random.choice(TESTS)))
    ordered.sort(key=lambda order: (order[0], order[1]))
    return [(key, *_measure(random, *order)) for key, order in enumerate(ordered, start=1)]


def _measure(random: Random, taken: str, patient: int, visit: int | None, test: tuple) -> tuple:
    """Give a row of `lab_results` without its key; one sample in thirty is spoilt."""
    name, unit, low, high, mean, deviation, _ = test
    value = round(max(0.1, random.gauss(mean, deviation)), 1) if random.random() > 1 / 30 else None
    return patient, visit, name, value, unit, low, high, taken


def _day(random: Random, first: date, last: date) -> date:
    return first + timedelta(days=random.randint(0, (last - first).days))
