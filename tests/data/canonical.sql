-- Titled pairs for tests/test_canonical.py: SQL as written, then as it must become; (same): unchanged.
-- The schema is in the test. Both forms are run on SQLite and must give equal rows.

-- an unknown name is a string
SELECT name FROM singer WHERE country = "France"
SELECT name FROM singer WHERE country = 'France'

-- a column in any case is a name
SELECT "name" FROM singer WHERE "COUNTRY" = 'x'
(same)

-- a table's alias is no column: alone it is a string
SELECT "Home Town" FROM "singer" AS "T1" WHERE "T1"."Home Town" = "T1"
SELECT "Home Town" FROM "singer" AS "T1" WHERE "T1"."Home Town" = 'T1'

-- an output name is seen in HAVING and ORDER BY
SELECT count(*) AS "n" FROM singer GROUP BY country HAVING "n" > 0 ORDER BY "n"
(same)

-- an output name is not seen in its own list
SELECT name AS "n", "n" FROM singer ORDER BY "m"
SELECT name AS "n", 'n' FROM singer ORDER BY 'm'

-- an output name is seen in WHERE
SELECT name AS n FROM singer WHERE "n" = "Ann"
SELECT name AS n FROM singer WHERE "n" = 'Ann'

-- a correlated subquery sees the outer columns
SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE title = "name")
(same)

-- a table's name in a list of values is a string
SELECT title FROM song WHERE title IN ("name", "who")
SELECT title FROM song WHERE title IN ('name', 'who')

-- each SELECT of a set operation sees its own tables
SELECT "who" FROM famous UNION SELECT "who" FROM singer
SELECT "who" FROM famous UNION SELECT 'who' FROM singer

-- columns of a CTE
WITH c AS (SELECT name AS x FROM singer) SELECT "x", "y" FROM c
WITH c AS (SELECT name AS x FROM singer) SELECT "x", 'y' FROM c

-- named columns of a CTE
WITH c(a) AS (SELECT "name" FROM singer) SELECT "a", "name" FROM c
WITH c(a) AS (SELECT "name" FROM singer) SELECT "a", 'name' FROM c

-- a recursive CTE sees itself
WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT "n" + 1 FROM c WHERE "n" < 3) SELECT "n" FROM c
(same)

-- output names of a derived table, nothing else of it
SELECT "x" FROM (SELECT name AS x, country FROM singer) WHERE "country" = "id"
SELECT "x" FROM (SELECT name AS x, country FROM singer) WHERE "country" = 'id'

-- an expression's text is its name
SELECT "count(*)" FROM (SELECT count(*) FROM singer)
(same)

-- a derived table does not see its neighbours
SELECT * FROM singer JOIN (SELECT "name" FROM song) AS s
SELECT * FROM singer JOIN (SELECT 'name' FROM song) AS s

-- an inner string that is asked for by its name and table keeps the name
SELECT s."a" FROM (SELECT "a" FROM song) AS s
SELECT s."a" FROM (SELECT 'a' AS "a" FROM song) AS s

-- an inner string that is asked for by its name alone keeps it
SELECT "a" FROM (SELECT "a" FROM song)
SELECT "a" FROM (SELECT 'a' AS "a" FROM song)

-- an inner string beside an output of that name
SELECT z."#" FROM (SELECT "#") AS y, (SELECT 1 AS "#") AS z
SELECT z."#" FROM (SELECT '#' AS "#") AS y, (SELECT 1 AS "#") AS z

-- inner strings of one text in two places of FROM
SELECT 1 FROM (SELECT "#") AS y, (SELECT "#") AS z
SELECT 1 FROM (SELECT '#' AS "#") AS y, (SELECT '#' AS "#") AS z

-- an inner string of a CTE that is asked for
WITH c AS (SELECT "it's") SELECT "it's" FROM c
WITH c AS (SELECT 'it''s' AS "it's") SELECT "it's" FROM c

-- an inner string that nobody asks for
SELECT 1 FROM (SELECT "a" FROM song)
SELECT 1 FROM (SELECT 'a' FROM song)

-- both sides of a join are seen in ON
SELECT singer.* FROM singer JOIN song ON "title" = "name" AND "x" = "x"
SELECT singer.* FROM singer JOIN song ON "title" = "name" AND 'x' = 'x'

-- a join in parentheses
SELECT name FROM (singer JOIN song ON title = "Ann")
SELECT name FROM (singer JOIN song ON title = 'Ann')

-- rowid is a name
SELECT "rowid", "oid" FROM singer
(same)

-- LIKE, ESCAPE and GLOB
SELECT name FROM singer WHERE name LIKE "%n" ESCAPE "!" OR name GLOB "A*"
SELECT name FROM singer WHERE name LIKE '%n' ESCAPE '!' OR name GLOB 'A*'

-- functions and JSON operators
SELECT json_extract(j, "$.a"), j ->> "k", strftime("%Y", "now") > "2000" FROM song
SELECT json_extract(j, '$.a'), j ->> 'k', strftime('%Y', 'now') > '2000' FROM song

-- columns of a table function
SELECT "key", "x" FROM song, json_each(song.j, "$")
SELECT "key", 'x' FROM song, json_each(song.j, '$')

-- IN may be followed by a table
SELECT name FROM singer WHERE name IN "famous"
(same)

-- a collation is no string
SELECT name FROM singer ORDER BY name COLLATE "nocase"
(same)

-- CASE
SELECT CASE WHEN name = "Ann" THEN "yes" ELSE "id" END FROM singer
SELECT CASE WHEN name = 'Ann' THEN 'yes' ELSE "id" END FROM singer

-- SQLite's own catalogue
SELECT "type", "t" FROM sqlite_master
SELECT "type", 't' FROM sqlite_master

-- a string beside a string stays apart from it
SELECT "it"'s' FROM singer
SELECT 'it' 's' FROM singer

-- brackets and backticks are never strings
SELECT [x y], `z` FROM (SELECT 1 AS "x y", 2 AS z)
(same)

-- window order
SELECT sum(id) OVER (ORDER BY "name", "q") FROM singer
SELECT sum(id) OVER (ORDER BY "name", 'q') FROM singer

-- EXISTS sees the outer columns
SELECT 1 WHERE EXISTS (SELECT 1 FROM song WHERE singer_id = "id" AND "name" = 1)
SELECT 1 WHERE EXISTS (SELECT 1 FROM song WHERE singer_id = "id" AND 'name' = 1)

-- a scalar subquery sees the outer columns
SELECT (SELECT "name" FROM song WHERE singer_id = singer.id LIMIT 1) FROM singer
(same)

-- VALUES
VALUES ("a", 1), ("b", 2)
VALUES ('a', 1), ('b', 2)

-- Chinese
SELECT name FROM singer WHERE country = "法国" LIMIT 1
SELECT name FROM singer WHERE country = '法国' LIMIT 1

-- a query in VALUES that stands in FROM does not see its neighbours
SELECT column1 FROM (VALUES ((SELECT "age"))), singer
SELECT column1 FROM (VALUES ((SELECT 'age'))), singer

-- VALUES in an expression does
SELECT name FROM singer WHERE (VALUES ((SELECT "name"))) = 'Ann'
(same)

-- a name that is asked for before an arrow
SELECT coalesce(a -> '$', 2) FROM (SELECT "a") WHERE 0
SELECT coalesce(a -> '$', 2) FROM (SELECT 'a' AS "a") WHERE 0

-- a query first in parentheses in FROM
SELECT a FROM ((SELECT "a") AS s, singer AS t) WHERE 0
SELECT a FROM ((SELECT 'a' AS "a") AS s, singer AS t) WHERE 0
