"""A software and services company's recruiting: vacancies, applicants, interviews, offers, staff.

Vacancies and applications run from 2023-01 to 2025-09; the state is that of 2025-09-30.

Covered: `employees.manager_id` refers to employees; an application joins a candidate to a
position, an interview joins an application to an employee; candidate_skills has one row per
candidate and skill.
Traps: NULL means "still" or "not yet" (left_on, closed_on, an unanswered offer, a budget that is
not approved), "none" (the manager of the chief executive, a signing bonus, who referred someone),
"not told" (email, years of experience, a pay range that is not published) or "did not take place"
(an interview score). A candidate may apply for several positions, and an application may have a
second, better offer. Salaries, scores and openings tie; names repeat among candidates and among
employees; some employees earn more than their manager. Without partners: a department without
staff, candidates who never applied or listed no skill, positions nobody applied for.
"""

from datetime import date, timedelta
from random import Random

SCHEMA = """CREATE TABLE departments (
    department_id INTEGER PRIMARY KEY,
    department_name TEXT NOT NULL,
    city TEXT NOT NULL,
    annual_budget INTEGER
);
CREATE TABLE employees (
    employee_id INTEGER PRIMARY KEY,
    full_name TEXT NOT NULL,
    job_title TEXT NOT NULL,
    department_id INTEGER NOT NULL REFERENCES departments (department_id),
    manager_id INTEGER REFERENCES employees (employee_id),
    hired_on DATE NOT NULL,
    left_on DATE,
    salary INTEGER NOT NULL
);
CREATE TABLE positions (
    position_id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    level TEXT NOT NULL,
    department_id INTEGER NOT NULL REFERENCES departments (department_id),
    hiring_manager_id INTEGER NOT NULL REFERENCES employees (employee_id),
    openings INTEGER NOT NULL,
    salary_min INTEGER,
    salary_max INTEGER,
    opened_on DATE NOT NULL,
    closed_on DATE
);
CREATE TABLE candidates (
    candidate_id INTEGER PRIMARY KEY,
    full_name TEXT NOT NULL,
    email TEXT,
    city TEXT NOT NULL,
    source TEXT NOT NULL,
    referred_by INTEGER REFERENCES employees (employee_id),
    years_experience INTEGER,
    registered_on DATE NOT NULL
);
CREATE TABLE candidate_skills (
    candidate_id INTEGER NOT NULL REFERENCES candidates (candidate_id),
    skill TEXT NOT NULL,
    skill_level INTEGER NOT NULL,
    PRIMARY KEY (candidate_id, skill)
);
CREATE TABLE applications (
    application_id INTEGER PRIMARY KEY,
    candidate_id INTEGER NOT NULL REFERENCES candidates (candidate_id),
    position_id INTEGER NOT NULL REFERENCES positions (position_id),
    applied_on DATE NOT NULL,
    status TEXT NOT NULL,
    rejection_reason TEXT
);
CREATE TABLE interviews (
    interview_id INTEGER PRIMARY KEY,
    application_id INTEGER NOT NULL REFERENCES applications (application_id),
    interviewer_id INTEGER NOT NULL REFERENCES employees (employee_id),
    round INTEGER NOT NULL,
    kind TEXT NOT NULL,
    scheduled_at TIMESTAMP NOT NULL,
    score INTEGER
);
CREATE TABLE offers (
    offer_id INTEGER PRIMARY KEY,
    application_id INTEGER NOT NULL REFERENCES applications (application_id),
    offered_on DATE NOT NULL,
    offered_salary INTEGER NOT NULL,
    signing_bonus INTEGER,
    response TEXT,
    responded_on DATE
);"""

COMMENTS = {
    "departments": "departments of the company",
    "departments.city": "city where the department sits",
    "departments.annual_budget": "approved budget of the year in euros; empty until approved",
    "employees": "present and former staff",
    "employees.manager_id": "direct superior; empty for the chief executive",
    "employees.left_on": "last working day; empty for present staff",
    "employees.salary": "gross yearly salary in euros",
    "positions": "vacancies",
    "positions.level": "junior, mid, senior or lead",
    "positions.hiring_manager_id": "employee who decides on the vacancy",
    "positions.openings": "number of people to be hired",
    "positions.salary_min": "lower end of the published yearly salary range; empty if unpublished",
    "positions.salary_max": "upper end of the published yearly salary range; empty if unpublished",
    "positions.closed_on": "day the vacancy was filled or given up; empty while it is open",
    "candidates": "people in the recruiting pool, whether or not they applied",
    "candidates.source": "career page, job board, referral, agency or university fair",
    "candidates.referred_by": "employee who referred the candidate; only for source referral",
    "candidates.years_experience": "years of work experience; empty if not told",
    "candidates.registered_on": "day the candidate entered the pool",
    "candidate_skills": "skills that candidates listed",
    "candidate_skills.skill_level": "self-assessed, 1 (basic) to 5 (expert)",
    "applications": "one candidate's application for one position",
    "applications.status": "new, screening, interview, offer, hired, rejected or withdrawn",
    "applications.rejection_reason": "only for rejected applications, and not always given",
    "interviews": "interviews with applicants, one interviewer each",
    "interviews.round": "1 for the first conversation of an application, then 2, 3, ...",
    "interviews.kind": "phone, technical, case study or final",
    "interviews.score": "1 (poor) to 5 (excellent); empty if it did not take place",
    "offers": "job offers; a declined offer may be followed by a better one",
    "offers.offered_salary": "gross yearly salary in euros",
    "offers.signing_bonus": "one-off payment in euros; empty if there is none",
    "offers.response": "accepted or declined; empty while the candidate considers it",
}

TODAY = date(2025, 9, 30)

# name, city, budget, staff, titles (the head's first), usual salary
DEPARTMENTS = [
    ("Management", "Ghent", 900_000, 3, ("Chief Executive", "Executive Assistant"), 70_000),
    (
        "Engineering",
        "Ghent",
        5_200_000,
        46,
        ("VP Engineering", "Software Engineer", "Tester"),
        64_000,
    ),
    ("Data", "Lyon", 1_800_000, 17, ("Head of Data", "Data Analyst", "Data Engineer"), 61_000),
    ("Product", "Ghent", 1_250_000, 11, ("Head of Product", "Product Manager"), 66_000),
    ("Design", "Porto", 700_000, 8, ("Head of Design", "Designer"), 54_000),
    ("Sales", "Lyon", 2_100_000, 24, ("Sales Director", "Account Manager"), 52_000),
    ("Marketing", "Lyon", 1_250_000, 12, ("Marketing Director", "Content Editor"), 48_000),
    ("Customer Support", "Porto", 1_600_000, 27, ("Support Director", "Support Agent"), 38_000),
    ("Finance", "Ghent", 700_000, 9, ("Finance Director", "Accountant"), 55_000),
    ("People", "Ghent", 650_000, 8, ("People Director", "Recruiter", "Payroll Clerk"), 47_000),
    ("Legal", "Ghent", None, 4, ("General Counsel", "Lawyer"), 72_000),
    ("Sustainability", "Porto", None, 0, (), 0),  # founded on paper, nobody hired yet
]

TITLES = {
    2: ("Backend Developer", "Frontend Developer", "Test Engineer", "Site Reliability Engineer"),
    3: ("Data Analyst", "Data Engineer", "Machine Learning Engineer"),
    4: ("Product Manager", "Product Owner"),
    5: ("UX Designer", "Graphic Designer"),
    6: ("Account Manager", "Sales Representative", "Sales Engineer"),
    7: ("Content Editor", "Campaign Manager"),
    8: ("Support Agent", "Support Team Lead"),
    9: ("Accountant", "Controller"),
    10: ("Recruiter", "Payroll Clerk"),
    11: ("Contract Lawyer",),
}
POSITIONS = 78
LEVELS = {"junior": 0.8, "mid": 1.0, "senior": 1.25, "lead": 1.45}

FIRST_NAMES = (
    "Emma Louis Nora Adam Chloe Lucas Ines Hugo Fatima Arthur Lena Mehdi Clara Bram Sara Tiago "
    "Alice Noah Yasmin Jules Beatriz Simon Mei Victor Rosa Pieter Aisha Marco Julie David "
    "Elise Karim Joana Thomas Leila Ruben Camille Nuno Greta Samuel Ilse Rafael Amal Felix Ana"
)
LAST_NAMES = (
    "Peeters Martin Ferreira Dubois Janssens Silva Laurent Maes Garcia Moreau Claes Rocha Nguyen "
    "Bernard Oliveira Smet Fontaine Wouters Haddad Pereira Lambert Chen Mertens Roux "
    "Willems Carvalho Blanc Diallo Jacobs Santos Girard Goossens Almeida Fournier Kaya Vermeulen"
)
CITIES = ["Ghent", "Lyon", "Porto", "Brussels", "Lille", "Lisbon", "Antwerp", "Rotterdam", "Madrid"]
CANDIDATES = 560
SOURCES = ["career page", "job board", "referral", "agency", "university fair"]
SKILLS = [
    "Python",
    "SQL",
    "Excel",
    "Java",
    "JavaScript",
    "English",
    "French",
    "Dutch",
    "negotiation",
    "project management",
    "Figma",
    "copywriting",
    "bookkeeping",
    "Kubernetes",
    "public speaking",
    "contract law",
]
SKILL_WEIGHTS = [14, 16, 18, 8, 8, 20, 10, 9, 7, 9, 5, 5, 4, 4, 6, 2]
REASONS = ["lack of experience", "skills mismatch", "salary expectations", "position filled"]


def rows(random: Random) -> dict[str, list[tuple]]:
    """All rows by table, parents before children."""
    employees = employee_rows(random)
    positions = position_rows(random, employees)
    candidates = candidate_rows(random, employees)
    applications = application_rows(random, positions, candidates)
    interviews = interview_rows(random, applications, positions, employees)
    return {
        "departments": [(i, *row[:3]) for i, row in enumerate(DEPARTMENTS, start=1)],
        "employees": employees,
        "positions": positions,
        "candidates": candidates,
        "candidate_skills": skill_rows(random, candidates),
        "applications": applications,
        "interviews": interviews,
        "offers": offer_rows(random, applications, positions, interviews),
    }


def person(random: Random) -> str:
    """A first name and a last name."""
    return f"{random.choice(FIRST_NAMES.split())} {random.choice(LAST_NAMES.split())}"


def employee_rows(random: Random) -> list[tuple]:
    """Staff by department: the head reports to the chief executive, team leads to the head."""
    staff: list[tuple] = []
    for department_id, (_, _, _, number, titles, usual) in enumerate(DEPARTMENTS, start=1):
        head = len(staff) + 1
        for place in range(number):
            superior = superior_of(random, head, place, number)
            pay = usual * (2.1 if place == 0 else 1.35 if is_lead(place, number) else 1.0)
            title = titles[0] if place == 0 else random.choice(titles[1:])
            title = f"Lead {title}" if is_lead(place, number) else title
            hired = hiring_day(random, place, number)
            salary = 500 * round(pay * random.uniform(0.82, 1.3) / 500)
            stays = place == 0 or is_lead(place, number)
            left = None if stays else leaving(random, hired)
            staff.append(
                (
                    len(staff) + 1,
                    name_for(random, staff),
                    title,
                    department_id,
                    superior,
                    hired.isoformat(),
                    left,
                    salary,
                )
            )
    return staff


def is_lead(place: int, number: int) -> bool:
    """The second and next places of a department: one lead for every ten people."""
    return 0 < place <= number // 10


def superior_of(random: Random, head: int, place: int, number: int) -> int | None:
    """The manager's id: nobody above employee 1, then the heads, the leads and the others."""
    if place == 0:
        return None if head == 1 else 1
    if is_lead(place, number) or number < 10:
        return head
    return head + random.randint(0 if number < 20 else 1, number // 10)


def name_for(random: Random, staff: list[tuple]) -> str:
    """A name; employees 40 and 125 are both called Sara Maes."""
    return "Sara Maes" if len(staff) + 1 in (40, 125) else person(random)


def hiring_day(random: Random, place: int, number: int) -> date:
    """Heads and leads came early; the company grew fastest in recent years."""
    if place == 0 or is_lead(place, number):
        return date(2011, 2, 1) + timedelta(days=random.randint(0, 2200))
    return date(2025, 8, 1) - timedelta(days=min(4400, round(random.expovariate(1 / 1100))))


def leaving(random: Random, hired: date) -> str | None:
    """The last day of one employee in six, after at least four months."""
    first = hired + timedelta(days=120)
    if first >= TODAY or random.random() >= 0.17:
        return None
    return (first + timedelta(days=random.randint(0, (TODAY - first).days))).isoformat()


def position_rows(random: Random, employees: list[tuple]) -> list[tuple]:
    """Vacancies in order of opening, busier in spring and autumn; one in six has no pay range."""
    days = sorted(opening_day(random) for _ in range(POSITIONS))
    weights = [DEPARTMENTS[d - 1][3] for d in TITLES]
    vacancies = []
    for position_id, day in enumerate(days, start=1):
        department = random.choices(list(TITLES), weights)[0]
        level = random.choices(list(LEVELS), [30, 40, 22, 8])[0]
        low = 1000 * round(DEPARTMENTS[department - 1][5] * LEVELS[level] * 0.9 / 1000)
        pay = (
            (None, None)
            if random.random() < 0.16
            else (low, low + random.choice((6000, 8000, 12_000)))
        )
        title = random.choice(TITLES[department])
        boss = hiring_manager(random, department, employees)
        openings = random.choices((1, 2, 3, 5), [70, 18, 8, 4])[0]
        vacancies.append(
            (
                position_id,
                title,
                level,
                department,
                boss,
                openings,
                *pay,
                day.isoformat(),
                closing(random, day),
            )
        )
    return vacancies


def opening_day(random: Random) -> date:
    """A working day between 2023-01 and 2025-09."""
    month = random.choices(range(1, 13), [8, 9, 10, 8, 6, 5, 3, 3, 10, 9, 6, 2])[0]
    year = random.choices((2023, 2024, 2025), [30, 35, 35])[0]
    day = date(year, month if year < 2025 else (month - 1) % 9 + 1, random.randint(1, 28))
    return day if day.weekday() < 5 else day - timedelta(days=2)


def closing(random: Random, opened: date) -> str | None:
    """The closing day after one to five months, if that is in the past."""
    closed = opened + timedelta(days=random.randint(28, 150))
    return closed.isoformat() if closed <= TODAY and random.random() < 0.94 else None


def hiring_manager(random: Random, department: int, employees: list[tuple]) -> int:
    """The head of the department or one of its leads."""
    bosses = [e[0] for e in employees if e[3] == department and (e[4] == 1 or "Lead" in e[2])]
    return random.choice(bosses)


def candidate_rows(random: Random, employees: list[tuple]) -> list[tuple]:
    """The pool in order of registration; candidates 77 and 401 are both called Julie Martin."""
    start = date(2022, 10, 3)
    days = sorted(random.randint(0, (TODAY - start).days - 10) for _ in range(CANDIDATES))
    pool = []
    for candidate_id, offset in enumerate(days, start=1):
        name = "Julie Martin" if candidate_id in (77, 401) else person(random)
        day = start + timedelta(days=offset)
        source = random.choices(SOURCES, [30, 34, 16, 12, 8])[0]
        referrer = referrer_of(random, day, employees) if source == "referral" else None
        email = None if random.random() < 0.08 else address(name, candidate_id)
        years = experience(random, source)
        city = random.choices(CITIES, [20, 18, 12, 14, 8, 7, 8, 4, 3])[0]
        pool.append((candidate_id, name, email, city, source, referrer, years, day.isoformat()))
    return pool


def address(name: str, candidate_id: int) -> str:
    """An e-mail address at one of three providers."""
    provider = ("example.com", "example.org", "mail.example")[candidate_id % 3]
    return f"{name.lower().replace(' ', '.')}{candidate_id}@{provider}"


def referrer_of(random: Random, day: date, employees: list[tuple]) -> int:
    """An employee of that time; a few people refer far more than others."""
    present = [
        e[0]
        for e in employees
        if e[5] <= day.isoformat() and (e[6] is None or day.isoformat() <= e[6])
    ]
    return random.choice(present[::9] if random.random() < 0.4 else present)


def experience(random: Random, source: str) -> int | None:
    """Years of experience: none or one from a fair, a long tail otherwise, sometimes not told."""
    if source == "university fair":
        return random.choice((0, 0, 0, 1))
    return None if random.random() < 0.09 else min(32, round(random.expovariate(1 / 6.5)))


def skill_rows(random: Random, candidates: list[tuple]) -> list[tuple]:
    """Zero to seven skills per candidate."""
    listed = []
    for candidate in candidates:
        number = random.choices(range(8), [6, 9, 18, 25, 20, 12, 7, 3])[0]
        chosen = dict.fromkeys(random.choices(SKILLS, SKILL_WEIGHTS, k=number))
        listed += [
            (candidate[0], s, random.choices(range(1, 6), [8, 20, 34, 26, 12])[0]) for s in chosen
        ]
    return listed


def application_rows(
    random: Random, positions: list[tuple], candidates: list[tuple]
) -> list[tuple]:
    """Applications in order of arrival; a few popular vacancies draw most of them."""
    drafts = []
    for position in positions:
        first = date.fromisoformat(position[8])
        last = date.fromisoformat(position[9]) - timedelta(days=14) if position[9] else TODAY
        known = [c for c in candidates if c[7] <= last.isoformat()][-240:]
        popularity = min(60, len(known), round(random.expovariate(1 / 15)))
        for candidate in random.sample(known, popularity):
            earliest = max(first, date.fromisoformat(candidate[7]))
            day = earliest + timedelta(days=random.randint(0, (last - earliest).days))
            drafts.append((day.isoformat(), candidate[0], position))
    drafts.sort(key=lambda draft: (draft[0], draft[1], draft[2][0]))
    places = {position[0]: position[5] for position in positions}
    return [
        (n, candidate, position[0], day, *outcome(random, day, position, places))
        for n, (day, candidate, position) in enumerate(drafts, start=1)
    ]


def outcome(
    random: Random, day: str, position: tuple, places: dict[int, int]
) -> tuple[str, str | None]:
    """Status and rejection reason; nobody is hired within two months or beyond the openings."""
    weights = [0, 0, 0, 0, 14, 70, 16] if position[9] else [12, 16, 20, 13, 5, 26, 8]
    names = ["new", "screening", "interview", "offer", "hired", "rejected", "withdrawn"]
    status = random.choices(names, weights)[0]
    age = (TODAY - date.fromisoformat(day)).days
    if status in ("offer", "hired") and age < 60:
        status = "interview"
    if status == "new" and age > 30:
        status = "screening"
    if status == "hired":
        places[position[0]] -= 1
        status = "hired" if places[position[0]] >= 0 else "rejected"
    known = status == "rejected" and random.random() < 0.85
    return status, random.choices(REASONS, [34, 30, 12, 24])[0] if known else None


def interview_rows(
    random: Random, applications: list[tuple], positions: list[tuple], employees: list[tuple]
) -> list[tuple]:
    """Rounds of interviews for those who passed the screening, in working hours."""
    held: list[tuple] = []
    for application in applications:
        position = positions[application[2] - 1]
        day = date.fromisoformat(application[3])
        for round_number in range(1, rounds_of(random, application[4]) + 1):
            day = next_workday(day + timedelta(days=random.randint(3, 9)))
            if day > TODAY + timedelta(days=10 if application[4] == "interview" else 0):
                break
            hour, minute = random.choice((9, 10, 10, 11, 13, 14, 15, 16)), random.choice((0, 30))
            at = f"{day.isoformat()} {hour:02d}:{minute:02d}:00"
            boss = interviewer(random, day.isoformat(), position, employees)
            kind = kind_of(random, round_number, position[3])
            score = score_of(random, application[4]) if day <= TODAY else None
            held.append((len(held) + 1, application[0], boss, round_number, kind, at, score))
    return held


def rounds_of(random: Random, status: str) -> int:
    """Number of interviews by the state of the application."""
    if status in ("new", "screening"):
        return 0
    if status in ("offer", "hired"):
        return random.choice((2, 3, 3, 4))
    if status == "interview":
        return random.choice((1, 1, 2, 3))
    return random.choices((0, 1, 2, 3), [55, 25, 14, 6])[0]


def next_workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def kind_of(random: Random, round_number: int, department: int) -> str:
    """A phone call first; technical tests in Engineering and Data, case studies elsewhere."""
    if round_number == 1:
        return "phone"
    if round_number > 2:
        return "final"
    return "technical" if department in (2, 3) or random.random() < 0.1 else "case study"


def interviewer(random: Random, day: str, position: tuple, employees: list[tuple]) -> int:
    """The hiring manager, someone of the department or a recruiter, employed on that day."""
    present = [e for e in employees if e[5] <= day and (e[6] is None or day <= e[6])]
    colleagues = [e[0] for e in present if e[3] == position[3]]
    recruiters = [e[0] for e in present if e[2].endswith("Recruiter")]
    managers = [e[0] for e in present if e[0] == position[4]]
    groups = [group for group in (managers, colleagues, recruiters) if group]
    return random.choice(random.choice(groups))


def score_of(random: Random, status: str) -> int | None:
    """A score, better for those who got far; one interview in fourteen did not take place."""
    if random.random() < 0.07:
        return None
    weights = [0, 3, 22, 45, 30] if status in ("offer", "hired") else [10, 25, 36, 22, 7]
    return random.choices(range(1, 6), weights)[0]


def offer_rows(
    random: Random, applications: list[tuple], positions: list[tuple], interviews: list[tuple]
) -> list[tuple]:
    """Offers to those hired, to those who consider one, and to some who withdrew."""
    made: list[tuple] = []
    last_talk = {interview[1]: interview[5][:10] for interview in interviews}
    for application in applications:
        position = positions[application[2] - 1]
        talked = date.fromisoformat(last_talk.get(application[0], application[3]))
        day = talked + timedelta(days=random.randint(2, 12))
        salary = pay_for(random, position)
        for response in responses(random, application[4]):
            reply = day + timedelta(days=random.randint(1, 12))
            if day > TODAY:
                break
            bonus = random.choice((1000, 1500, 2000, 2000, 3000, 5000))
            known = (response, reply.isoformat()) if response and reply <= TODAY else (None, None)
            made.append(
                (
                    len(made) + 1,
                    application[0],
                    day.isoformat(),
                    salary,
                    bonus if random.random() < 0.3 else None,
                    *known,
                )
            )
            day, salary = reply + timedelta(days=4), salary + random.choice((2000, 3000, 4000))
    return made


def responses(random: Random, status: str) -> list[str | None]:
    """Answers to the offers of one application, in order."""
    if status == "hired":
        return ["declined", "accepted"] if random.random() < 0.2 else ["accepted"]
    if status == "offer":
        return ["declined", None] if random.random() < 0.25 else [None]
    if status == "withdrawn" and random.random() < 0.35:
        return ["declined"]
    return []


def pay_for(random: Random, position: tuple) -> int:
    """A salary near the range of the position, sometimes above it."""
    usual = DEPARTMENTS[position[3] - 1][5] * LEVELS[position[2]]
    low, high = position[6] or 0.9 * usual, position[7] or 1.05 * usual
    return 500 * round(random.uniform(low, high + 2000) / 500)
