CREATE SCHEMA hr;
CREATE SCHEMA "Sales";
CREATE TYPE hr.grade AS ENUM ('junior', 'senior', 'lead');
CREATE TABLE hr.departments (dept_id integer PRIMARY KEY, name text NOT NULL, "Cost Center" varchar(10), parent_id integer REFERENCES hr.departments (dept_id), budget numeric(14,2));
CREATE TABLE hr.employees (
  emp_id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, dept_id integer REFERENCES hr.departments (dept_id), manager_id integer REFERENCES hr.employees (emp_id),
  hired date NOT NULL, "left" date, salary numeric(10,2), grade hr.grade, "Bonus %" double precision, email text, skills text[], "Home Office?" boolean, "Birth-Date" date, profile jsonb
);
CREATE TABLE hr.absences (absence_id serial PRIMARY KEY, emp_id integer REFERENCES hr.employees (emp_id), kind text, "from" date, "to" date, approved boolean);
CREATE TABLE "Sales"."Customers" ("Customer ID" integer PRIMARY KEY, "Company Name" text, "Country/Region" text, city text, "Since" date, "Rating (1-5)" smallint, "VAT No." text);
CREATE TABLE "Sales"."Invoices" (
  "Invoice #" integer PRIMARY KEY, "Customer ID" integer REFERENCES "Sales"."Customers" ("Customer ID"), "Sales Rep" integer REFERENCES hr.employees (emp_id), issued timestamptz, due date,
  paid date, "Net (EUR)" numeric(12,2), "Tax %" numeric(4,1), currency char(3), "order" text, "Group" text, "user" text, reference uuid
);
CREATE TABLE public.exchange_rates (currency char(3), "day" date, rate numeric(12,6), PRIMARY KEY (currency, "day"));
INSERT INTO hr.departments VALUES (1, 'Board', 'C100', NULL, 1000000), (2, 'Sales', 'C200', 1, 400000), (3, 'R&D', 'C300', 1, 750000.50);
INSERT INTO hr.employees VALUES (1, 'Ada', 'King', 1, NULL, '2001-04-01', NULL, 150000, 'lead', 20, 'ada@corp.example', '{math,board}', true, '1970-12-10', '{"lang": ["en"], "desk": 1}'), (2, 'Bob', 'Stone', 2, 1, '2015-09-15', NULL, 64000, 'senior', 12.5, 'bob@corp.example', '{sales}', false, '1988-03-03', '{"lang": ["en", "de"]}'), (3, 'Cem', 'Ay', 3, 1, '2020-01-15', '2022-05-31', 58000, 'junior', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO hr.absences (emp_id, kind, "from", "to", approved) VALUES (2, 'holiday', '2023-07-03', '2023-07-14', true), (2, 'sick', '2023-11-20', '2023-11-21', NULL), (1, 'holiday', '2023-12-27', '2023-12-29', true);
INSERT INTO "Sales"."Customers" VALUES (10, 'Alfreds Futterkiste', 'DE', 'Berlin', '2010-01-01', 4, 'DE123'), (11, 'Bon app''', 'FR', 'Marseille', '2018-06-01', 5, NULL);
INSERT INTO "Sales"."Invoices" VALUES (900, 10, 2, '2023-03-01 10:00+00', '2023-03-31', '2023-03-25', 1200.00, 19.0, 'EUR', 'PO-1', 'A', 'bob', '6f9619ff-8b86-d011-b42d-00c04fc964ff'), (901, 10, 2, '2023-05-10 12:30+00', '2023-06-09', NULL, 5400.50, 19.0, 'EUR', NULL, 'A', 'bob', NULL), (902, 11, 2, '2023-05-20 08:00+00', '2023-06-19', '2023-07-01', 310.00, 20.0, 'USD', 'PO-7', 'B', 'eve', NULL);
INSERT INTO exchange_rates VALUES ('USD', '2023-05-20', 1.0808), ('USD', '2023-05-21', 1.0820), ('CHF', '2023-05-20', 0.9712);
