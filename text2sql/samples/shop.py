"""The sample database `shop`: an online shop for home and leisure goods in six countries.

Orders run from January 2023 to the end of December 2025, with peaks before Christmas and on
Sundays.

Covered:
- NULL means: no phone or birth date given; nobody referred the customer; a top category has no
  parent; the product is still sold; no coupon used; the order is not shipped or not delivered;
  a payment attempt was declined; the customer gave no reason; the refund is not paid out yet.
- Ties on purpose: many products share a price, many customers have the same number of orders.
- Rows without partners: customers who never ordered, a category without products, products that
  nobody bought, cancelled orders without a successful payment.
- Different customers with one name (Anna Becker, 王伟), and one product name from two brands.
- Tables `customers` and `categories` refer to themselves: DuckDB wants their rows one by one.

Traps: `products.price` is today's list price, `order_items.unit_price` is what was charged; an
order may have several payments; the value of an order is the sum of its items, shipping excluded.
"""

from __future__ import annotations

from bisect import bisect
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random

SCHEMA = """
CREATE TABLE customers (
    customer_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    phone TEXT,
    birth_date DATE,
    tier TEXT NOT NULL,
    signed_up_on DATE NOT NULL,
    referred_by INTEGER REFERENCES customers (customer_id)
);
CREATE TABLE addresses (
    address_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
    kind TEXT NOT NULL,
    street TEXT NOT NULL,
    postcode TEXT NOT NULL,
    city TEXT NOT NULL,
    country TEXT NOT NULL
);
CREATE TABLE categories (
    category_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    parent_id INTEGER REFERENCES categories (category_id)
);
CREATE TABLE products (
    product_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    brand TEXT NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (category_id),
    price DOUBLE NOT NULL,
    cost DOUBLE NOT NULL,
    stock INTEGER NOT NULL,
    launched_on DATE NOT NULL,
    discontinued_on DATE
);
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
    address_id INTEGER NOT NULL REFERENCES addresses (address_id),
    ordered_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL,
    coupon TEXT,
    shipping_fee DOUBLE NOT NULL,
    shipped_on DATE,
    delivered_on DATE
);
CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (order_id),
    product_id INTEGER NOT NULL REFERENCES products (product_id),
    quantity INTEGER NOT NULL,
    unit_price DOUBLE NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
CREATE TABLE payments (
    payment_id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (order_id),
    method TEXT NOT NULL,
    amount DOUBLE NOT NULL,
    paid_at TIMESTAMP
);
CREATE TABLE refunds (
    refund_id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (order_id),
    product_id INTEGER NOT NULL REFERENCES products (product_id),
    quantity INTEGER NOT NULL,
    amount DOUBLE NOT NULL,
    reason TEXT,
    requested_on DATE NOT NULL,
    refunded_on DATE
);
"""

COMMENTS = {
    "customers": "people with an account in the shop, also those who never ordered",
    "customers.name": "full name, not unique",
    "customers.phone": "empty when the customer gave none",
    "customers.birth_date": "empty when the customer gave none",
    "customers.tier": "loyalty tier: bronze, silver or gold",
    "customers.signed_up_on": "day the account was opened",
    "customers.referred_by": "the customer who brought this one in; empty when nobody did",
    "addresses": "delivery addresses of customers, one or more each",
    "addresses.kind": "home, work or gift",
    "categories": "product categories in two levels",
    "categories.parent_id": "the category above; empty for a top category",
    "products": "articles, also those no longer sold",
    "products.price": "list price today, euros",
    "products.cost": "what the shop pays for one piece, euros",
    "products.stock": "pieces in the warehouse",
    "products.launched_on": "first day of sale",
    "products.discontinued_on": "last day of sale; empty while the product is still sold",
    "orders": "orders with their way to the customer",
    "orders.address_id": "where the order goes",
    "orders.status": "pending, shipped, delivered or cancelled",
    "orders.coupon": "coupon code used; empty when none",
    "orders.shipping_fee": "euros, 0 when shipping was free",
    "orders.shipped_on": "empty when not handed to the carrier",
    "orders.delivered_on": "empty when not delivered",
    "order_items": "which products an order holds",
    "order_items.quantity": "pieces",
    "order_items.unit_price": "price charged for one piece, euros, after coupon",
    "payments": "payment attempts; an order may need or use several",
    "payments.method": "card, paypal, invoice or gift_card",
    "payments.amount": "euros",
    "payments.paid_at": "when the money came; empty when the attempt was declined",
    "refunds": "returned items and the money given back",
    "refunds.quantity": "pieces sent back",
    "refunds.amount": "euros given back or to be given back",
    "refunds.reason": "changed mind, wrong size, damaged, not as described, late; empty: not told",
    "refunds.requested_on": "day the customer asked",
    "refunds.refunded_on": "day the money went back; empty while the refund is open",
}

START = date(2023, 1, 1)
END = date(2025, 12, 31)
CUSTOMERS = 400
ORDERS = 1800

FIRST_NAMES = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Katja",
    "Louis",
    "Marie",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Simon",
    "Tara",
    "Victor",
    "Amélie",
    "Bruno",
    "Camille",
    "Daan",
    "Emma",
    "Fleur",
    "Jan",
    "Lotte",
    "Milan",
    "Sanne",
]
LAST_NAMES = [
    "Becker",
    "Huber",
    "Moreau",
    "Jansen",
    "Keller",
    "Weber",
    "Dubois",
    "Visser",
    "Peeters",
    "Wagner",
    "Bauer",
    "Lefèvre",
    "Bakker",
    "Schmid",
    "Maes",
    "Fischer",
    "Gruber",
    "Laurent",
    "Smit",
    "Meier",
    "Koch",
    "Steiner",
    "Petit",
    "Vogel",
    "Claes",
    "Novak",
]
CHINESE_NAMES = ("王伟", "李娜", "张敏", "刘洋", "陈静", "杨帆", "周杰", "吴昊", "赵雪", "林悦")
NAMESAKES = (
    "Anna Becker",
    "王伟",
    "Anna Becker",
    "Jonas Weber",
    "王伟",
    "Jonas Weber",
    "Anna Becker",
)

CITIES = (  # city, country, relative number of addresses
    ("Berlin", "Germany", 14),
    ("Hamburg", "Germany", 9),
    ("Munich", "Germany", 8),
    ("Leipzig", "Germany", 4),
    ("Vienna", "Austria", 8),
    ("Graz", "Austria", 3),
    ("Paris", "France", 9),
    ("Lyon", "France", 5),
    ("Lille", "France", 2),
    ("Amsterdam", "Netherlands", 7),
    ("Utrecht", "Netherlands", 3),
    ("Brussels", "Belgium", 4),
    ("Ghent", "Belgium", 2),
    ("上海", "China", 5),
    ("杭州", "China", 3),
)
STREETS = (
    "Station Road",
    "Mill Lane",
    "Linden Street",
    "Market Square",
    "Canal Street",
    "Park Avenue",
)

CATALOGUE: dict[str, dict[str, tuple[tuple[str, str, float], ...]]] = {
    "Home": {
        "Kitchen": (
            ("Cast Iron Pan", "Hearthside", 49.90),
            ("Stoneware Mug", "Hearthside", 9.90),
            ("Stoneware Mug", "Nordlys", 12.50),
            ("Chef Knife", "Kanbei", 79.00),
            ("Bamboo Steamer", "竹韵", 24.90),
            ("Tea Set", "竹韵", 64.00),
        ),
        "Bedding": (
            ("Linen Duvet Cover", "Nordlys", 119.00),
            ("Wool Blanket", "Nordlys", 89.00),
            ("Feather Pillow", "Hearthside", 39.90),
            ("Cotton Sheet", "Hearthside", 29.90),
        ),
        "Lighting": (
            ("Floor Lamp", "Lumen & Co", 139.00),
            ("Desk Lamp", "Lumen & Co", 44.90),
            ("Paper Lantern", "竹韵", 19.90),
            ("String Lights", "Lumen & Co", 14.90),
        ),
    },
    "Electronics": {
        "Audio": (
            ("Wireless Earbuds", "Auris", 89.00),
            ("Over-Ear Headphones", "Auris", 199.00),
            ("Bluetooth Speaker", "Auris", 69.90),
            ("Record Player", "Retrovox", 249.00),
            ("Kitchen Radio", "Retrovox", 59.90),
        ),
        "Cables": (
            ("USB-C Cable", "Voltia", 9.90),
            ("Fast Charger", "Voltia", 29.90),
            ("Power Bank", "Voltia", 39.90),
            ("HDMI Cable", "Voltia", 14.90),
        ),
        "Smart Home": (
            ("Smart Plug", "Lumen & Co", 19.90),
            ("Smart Bulb", "Lumen & Co", 14.90),
            ("Door Sensor", "Voltia", 24.90),
            ("Thermostat", "Voltia", 129.00),
        ),
    },
    "Outdoor": {
        "Camping": (
            ("Two Person Tent", "Fjellway", 219.00),
            ("Sleeping Bag", "Fjellway", 129.00),
            ("Gas Stove", "Fjellway", 44.90),
            ("Head Torch", "Fjellway", 29.90),
            ("Camping Mug", "Hearthside", 9.90),
        ),
        "Cycling": (
            ("Bike Helmet", "Velora", 69.90),
            ("Pannier Bag", "Velora", 79.00),
            ("Bike Lock", "Velora", 44.90),
            ("Bike Pump", "Velora", 24.90),
            ("Cargo Trailer", "Velora", 349.00),
        ),
        "Running": (
            ("Trail Shoes", "Strida", 129.00),
            ("Running Socks", "Strida", 14.90),
            ("Rain Jacket", "Strida", 99.00),
            ("Water Bottle", "Strida", 19.90),
        ),
        "Garden": (),
    },
    "Office": {
        "Stationery": (
            ("Dotted Notebook", "Papierus", 14.90),
            ("Fountain Pen", "Papierus", 39.90),
            ("Gel Pens", "Papierus", 9.90),
            ("Wall Calendar", "Papierus", 19.90),
        ),
        "Furniture": (
            ("Standing Desk", "Ergona", 399.00),
            ("Office Chair", "Ergona", 289.00),
            ("Monitor Arm", "Ergona", 89.00),
            ("Foot Rest", "Ergona", 39.90),
        ),
    },
    "Kids": {
        "Toys": (
            ("Wooden Train", "Minimo", 49.90),
            ("Building Blocks", "Minimo", 34.90),
            ("Plush Bear", "Minimo", 24.90),
            ("Memory Game", "Minimo", 14.90),
        ),
        "Books": (
            ("Picture Atlas", "Papierus", 24.90),
            ("Bedtime Stories", "Papierus", 19.90),
            ("Sticker Book", "Minimo", 9.90),
        ),
    },
}
UNSOLD = {"Cargo Trailer", "Foot Rest"}

TIERS = ("bronze", "silver", "gold")
COUPONS = ("WELCOME10", "SUMMER", "BLACKWEEK", "FRIENDS")
METHODS = ("card", "paypal", "invoice", "gift_card")
REASONS = ("changed mind", "wrong size", "damaged", "not as described", "late", None)
MONTH_WEIGHT = (0.9, 0.8, 0.9, 0.9, 1.0, 0.9, 0.7, 0.7, 0.9, 1.0, 1.8, 2.1)
WEEKDAY_WEIGHT = (1.1, 1.0, 0.9, 0.9, 0.8, 1.0, 1.5)
HOUR_WEIGHT = (1, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 5, 4, 4, 4, 5, 6, 8, 10, 9, 6, 3)


def rows(random: Random) -> dict[str, list[tuple]]:
    """Fill every table, parents before children.

    Args:
        random: The only source of chance; the same seed gives the same rows.

    Returns:
        Table name to rows in column order.
    """
    customers = _customers(random)
    addresses = _addresses(random, customers)
    categories = _categories()
    products = _products(random, categories)
    orders = _orders(random, customers, addresses)
    items = _order_items(random, orders, products)
    return {
        "customers": customers,
        "addresses": addresses,
        "categories": categories,
        "products": products,
        "orders": orders,
        "order_items": items,
        "payments": _payments(random, orders, items),
        "refunds": _refunds(random, orders, items),
    }


def _customers(random: Random) -> list[tuple]:
    founded = START - timedelta(days=700)
    joined = sorted(
        min(_day(random, founded, END), _day(random, founded, END)) for _ in range(CUSTOMERS)
    )
    result: list[tuple] = []
    for key, signed_up in enumerate(joined, start=1):
        name = _name(random, key)
        slug = name.lower().replace(" ", ".") if name.isascii() else "user"
        domain = random.choice(("com", "com", "org", "net"))
        phone = (
            None
            if random.random() < 0.3
            else f"+{random.randint(300, 499)} {random.randint(10**6, 10**7)}"
        )
        born = None if random.random() < 0.2 else _day(random, date(1950, 1, 1), date(2006, 12, 31))
        tier = random.choices(TIERS, (6, 3, 1))[0]
        friend = random.randint(1, key - 1) if key > 10 and random.random() < 0.25 else None
        email = f"{slug}{key}@example.{domain}"
        result.append((key, name, email, phone, _text(born), tier, _text(signed_up), friend))
    return result


def _name(random: Random, key: int) -> str:
    """Give the namesakes every twentieth place, so that they exist whatever the seed."""
    if key % 20 == 0 and key // 20 <= len(NAMESAKES):
        return NAMESAKES[key // 20 - 1]
    if random.random() < 0.12:
        return random.choice(CHINESE_NAMES)
    return f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"


def _addresses(random: Random, customers: list[tuple]) -> list[tuple]:
    weights = [weight for _, _, weight in CITIES]
    result: list[tuple] = []
    for customer in customers:
        kinds = ["home"]
        kinds += ["work"] if random.random() < 0.25 else []
        kinds += ["gift"] if random.random() < 0.15 else []
        city, country, _ = random.choices(CITIES, weights)[0]
        for kind in kinds:
            if kind == "gift":
                city, country, _ = random.choices(CITIES, weights)[0]
            street = f"{random.choice(STREETS)} {random.randint(1, 120)}"
            postcode = f"{random.randint(1000, 99999):05d}"
            result.append((len(result) + 1, customer[0], kind, street, postcode, city, country))
    return result


def _categories() -> list[tuple]:
    result: list[tuple] = [(key, name, None) for key, name in enumerate(CATALOGUE, start=1)]
    for parent, children in enumerate(CATALOGUE.values(), start=1):
        result += [(len(result) + n, name, parent) for n, name in enumerate(children, start=1)]
    return result


def _products(random: Random, categories: list[tuple]) -> list[tuple]:
    keys = {name: key for key, name, parent in categories if parent is not None}
    result: list[tuple] = []
    for children in CATALOGUE.values():
        for category, articles in children.items():
            for name, brand, price in articles:
                cost = round(price * random.uniform(0.35, 0.7), 2)
                stock = 0 if random.random() < 0.1 else int(random.expovariate(1 / 60))
                launched = _day(random, date(2021, 3, 1), date(2024, 6, 30))
                gone = random.random() < 0.12
                ended = _day(random, date(2025, 2, 1), date(2025, 11, 30)) if gone else None
                row = (
                    name,
                    brand,
                    keys[category],
                    price,
                    cost,
                    stock,
                    _text(launched),
                    _text(ended),
                )
                result.append((len(result) + 1, *row))
    return result


def _orders(random: Random, customers: list[tuple], addresses: list[tuple]) -> list[tuple]:
    homes: dict[int, list[int]] = {}
    for address in addresses:
        homes.setdefault(address[1], []).append(address[0])
    buyers = [customer for customer in customers if random.random() > 0.12]
    loyalty = [
        min(random.paretovariate(1.3), 14.0) * (1 + TIERS.index(buyer[5])) for buyer in buyers
    ]
    placed = []
    for buyer in random.choices(buyers, loyalty, k=ORDERS):
        placed.append((_moment(random, date.fromisoformat(buyer[6])), buyer[0]))
    result = []
    for key, (moment, customer) in enumerate(sorted(placed), start=1):
        target = random.choice(homes[customer])
        result.append((key, customer, target, str(moment), *_fulfilment(random, moment.date())))
    return result


def _moment(random: Random, since: date) -> datetime:
    """Draw a time of order on or after `since`, following the season, the week and the day."""
    first = max(since - START, timedelta(0)).days
    low = _SEASON[first - 1] if first else 0.0
    day = START + timedelta(days=bisect(_SEASON, random.uniform(low, _SEASON[-1] - 1e-9)))
    hour = random.choices(range(24), HOUR_WEIGHT)[0]
    second = random.randint(0, 3599)
    return datetime(day.year, day.month, day.day, hour) + timedelta(seconds=second)


def _fulfilment(random: Random, day: date) -> tuple:
    """Give status, coupon, shipping fee, shipping date and delivery date of an order."""
    coupon = random.choice(COUPONS) if random.random() < 0.22 else None
    fee = random.choice((0.0, 0.0, 3.9, 3.9, 5.9, 9.9))
    if random.random() < 0.06:
        return "cancelled", coupon, fee, None, None
    shipped = day + timedelta(days=random.choice((0, 1, 1, 1, 2, 2, 3, 5)))
    if shipped > END - timedelta(days=1):
        return "pending", coupon, fee, None, None
    delivered = shipped + timedelta(days=random.choice((1, 1, 2, 2, 2, 3, 4, 6, 9)))
    if delivered > END or random.random() < 0.01:
        return "shipped", coupon, fee, str(shipped), None
    return "delivered", coupon, fee, str(shipped), str(delivered)


def _order_items(random: Random, orders: list[tuple], products: list[tuple]) -> list[tuple]:
    appeal = [
        0 if p[1] in UNSOLD else min(random.paretovariate(1.8), 6.0) / p[4] ** 0.3 for p in products
    ]
    result = []
    for order in orders:
        day = order[3][:10]
        on_sale = [
            weight * (p[7] <= day and (p[8] is None or day <= p[8]))
            for p, weight in zip(products, appeal, strict=True)
        ]
        size = random.choices((1, 2, 3, 4, 5), (40, 28, 16, 10, 6))[0]
        factor = 0.9 if order[5] else random.choice((1.0, 1.0, 1.0, 0.95))
        for product in sorted(
            {p[0]: p for p in random.choices(products, on_sale, k=size)}.values()
        ):
            pieces = random.choices((1, 2, 3, 6), (75, 17, 6, 2))[0]
            result.append((order[0], product[0], pieces, round(product[4] * factor, 2)))
    return result


def _payments(random: Random, orders: list[tuple], items: list[tuple]) -> list[tuple]:
    goods: dict[int, float] = {}
    for order, _, quantity, price in items:
        goods[order] = goods.get(order, 0.0) + quantity * price
    result: list[tuple] = []
    for order in orders:
        due = round(goods[order[0]] + order[6], 2)
        moment = datetime.fromisoformat(order[3]) + timedelta(minutes=random.randint(0, 9))
        for method, amount, paid in _attempts(random, due, cancelled=order[4] == "cancelled"):
            late = random.randint(2, 21) if method == "invoice" else 0
            paid_at = str(moment + timedelta(days=late)) if paid else None
            result.append((len(result) + 1, order[0], method, amount, paid_at))
    return result


def _attempts(random: Random, due: float, *, cancelled: bool) -> list[tuple[str, float, bool]]:
    """Give method, amount and success of each payment attempt for one order."""
    if cancelled:
        return [("card", due, False)] * random.choice((0, 1, 1, 2))
    result = [("card", due, False)] if random.random() < 0.05 else []
    method = random.choices(METHODS[:3], (50, 35, 15))[0]
    voucher = random.choice((25.0, 50.0))
    if random.random() < 0.08 and due > voucher:
        result.append(("gift_card", voucher, True))
        due = round(due - voucher, 2)
    return [*result, (method, due, True)]


def _refunds(random: Random, orders: list[tuple], items: list[tuple]) -> list[tuple]:
    delivered = {order[0]: order[8] for order in orders if order[8] is not None}
    result: list[tuple] = []
    for order, product, quantity, price in items:
        if order not in delivered or random.random() > 0.08:
            continue
        asked = date.fromisoformat(delivered[order]) + timedelta(days=random.randint(1, 20))
        if asked > END:
            continue
        pieces = random.randint(1, quantity)
        reason = random.choices(REASONS, (30, 20, 18, 12, 6, 14))[0]
        paid = asked + timedelta(days=random.randint(2, 25))
        closed = str(paid) if paid <= END and random.random() > 0.08 else None
        amount = round(pieces * price, 2)
        result.append((len(result) + 1, order, product, pieces, amount, reason, str(asked), closed))
    return result


def _day(random: Random, first: date, last: date) -> date:
    return first + timedelta(days=random.randint(0, (last - first).days))


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _season() -> list[float]:
    """Cumulative weight of every day from START to END; the shop grows by a fifth a year."""
    days = [START + timedelta(days=n) for n in range((END - START).days + 1)]
    weights = (
        MONTH_WEIGHT[day.month - 1] * WEEKDAY_WEIGHT[day.weekday()] * 1.2 ** (day.year - START.year)
        for day in days
    )
    return list(accumulate(weights))


_SEASON = _season()
