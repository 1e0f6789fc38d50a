"""The bundled databases: six small businesses of our own making, and questions about them.

| database | business | split of its questions |
| --- | --- | --- |
| shop | an online shop: orders, payments, returns | train, dev_in_domain |
| clinic | an outpatient clinic: appointments, prescriptions, laboratory | train, dev_in_domain |
| transit | a city's buses and trams: lines, trips, incidents | train, dev_in_domain |
| hiring | a company's staff and recruiting | train, dev_in_domain |
| energy | an electricity supplier: contracts, bills, outages | dev |
| festival | a music and street-arts festival: acts, stages, tickets | dev |

`<name>.py` holds a database's schema and the script of its rows, `<name>.jsonl` its questions,
written one by one. `building.samples_folder` builds them on first use.
"""

NAMES = ("shop", "clinic", "transit", "hiring", "energy", "festival")
