-- Titled pairs for tests/test_error_classes.py: gold, a prediction, and the classes of error.
-- (same): the prediction says what gold says. No schema is given.

-- aliases, case, order of tables and of conditions do not count
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id WHERE T1.age > 20 AND T2.year = 2010
select s.Name from Song so join Singer s on so.singer_id = s.id where 2010 = so.year and 20 < s.age
(same)

-- a join in WHERE is a join
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
SELECT singer.name FROM singer, song WHERE song.singer_id = singer.id
(same)

-- USING is an equality
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.id
SELECT a.name FROM singer a JOIN song b USING (id)
(same)

-- BETWEEN is two comparisons
SELECT name FROM singer WHERE age BETWEEN 20 AND 30
SELECT name FROM singer WHERE age <= 30 AND age >= 20
(same)

-- IN with one value is an equality
SELECT name FROM singer WHERE NOT country IN ('France')
SELECT name FROM singer WHERE country != 'France'
(same)

-- positions and output names stand for what is selected
SELECT country, count(*) FROM singer GROUP BY country ORDER BY count(*) DESC
SELECT country, count(*) AS n FROM singer GROUP BY 1 ORDER BY n DESC
(same)

-- a CTE is a derived table
SELECT avg(n) FROM (SELECT count(*) AS n FROM song GROUP BY singer_id)
WITH counts AS (SELECT count(*) AS songs FROM song GROUP BY singer_id) SELECT avg(songs) FROM counts
(same)

-- double-quoted strings are strings
SELECT name FROM singer WHERE country = 'France' AND name LIKE '%a%'
SELECT name FROM singer WHERE name LIKE "%a%" AND country = "France"
(same)

-- what EXISTS selects does not matter
SELECT name FROM singer WHERE EXISTS (SELECT 1 FROM song WHERE song.singer_id = singer.id)
SELECT name FROM singer WHERE EXISTS (SELECT * FROM song AS T2 WHERE singer.id = T2.singer_id)
(same)

-- columns that a join makes equal
SELECT T1.id, count(*) FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id GROUP BY T1.id
SELECT T2.singer_id, count(*), 1 FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id GROUP BY T2.singer_id
extra column

-- another table
SELECT count(*) FROM singer
SELECT count(*) FROM song
wrong table

-- a table is missing
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
SELECT name FROM singer
missing join

-- a table too many
SELECT name FROM singer
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
extra join

-- joined on other columns
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.id
join condition

-- joined without a condition
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
SELECT T1.name FROM singer AS T1 JOIN song AS T2
join condition

-- an outer join
SELECT T1.name FROM singer AS T1 LEFT JOIN song AS T2 ON T1.id = T2.singer_id
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
join type

-- the other one of a self-join
SELECT T1.name FROM person AS T1 JOIN person AS T2 ON T1.id = T2.parent_id
SELECT T2.name FROM person AS T1 JOIN person AS T2 ON T1.id = T2.parent_id
wrong column

-- a join in place of a subquery
SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song)
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id
nesting

-- a constant in place of a subquery
SELECT name FROM singer WHERE age > (SELECT avg(age) FROM singer)
SELECT name FROM singer WHERE age > 30
missing subquery

-- a condition with a subquery is missing
SELECT name FROM singer WHERE id NOT IN (SELECT singer_id FROM song)
SELECT name FROM singer
missing subquery

-- a needless subquery
SELECT name FROM singer WHERE age > 30
SELECT name FROM singer WHERE age > 30 AND id IN (SELECT singer_id FROM song)
extra subquery

-- an error inside a subquery is named as itself
SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year = 2010)
SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song WHERE year > 2010)
wrong operator

-- another aggregate
SELECT max(age) FROM singer
SELECT avg(age) FROM singer
wrong aggregate

-- an aggregate is missing
SELECT max(age) FROM singer
SELECT age FROM singer
wrong aggregate

-- a column in place of count(*)
SELECT country, count(*) FROM singer GROUP BY country
SELECT country, sum(age) FROM singer GROUP BY country
wrong aggregate

-- another group
SELECT count(*) FROM singer GROUP BY country
SELECT count(*) FROM singer GROUP BY age
wrong grouping

-- no groups
SELECT max(age) FROM singer GROUP BY country
SELECT max(age) FROM singer
wrong grouping

-- HAVING is missing
SELECT country FROM singer GROUP BY country HAVING count(*) > 1
SELECT country FROM singer GROUP BY country
wrong having

-- another comparison in HAVING
SELECT country FROM singer GROUP BY country HAVING count(*) > 1
SELECT country FROM singer GROUP BY country HAVING count(*) >= 1
wrong having, wrong operator

-- a condition is missing
SELECT name FROM singer WHERE age > 20 AND country = 'France'
SELECT name FROM singer WHERE age > 20
missing condition

-- a condition too many
SELECT name FROM singer
SELECT name FROM singer WHERE age > 20
extra condition

-- OR for AND
SELECT name FROM singer WHERE age > 20 AND country = 'France'
SELECT name FROM singer WHERE age > 20 OR country = 'France'
wrong connective

-- AND for OR with another value
SELECT name FROM singer WHERE age > 20 OR country = 'France'
SELECT name FROM singer WHERE age > 20 AND country = 'Spain'
wrong connective, wrong literal

-- an alternative too many
SELECT name FROM singer WHERE hand = 'L'
SELECT name FROM singer WHERE hand = 'left' OR hand = 'right'
extra condition, wrong literal

-- another column is selected
SELECT name FROM singer
SELECT country FROM singer
wrong column

-- another column in a condition
SELECT name FROM singer WHERE age > 20
SELECT name FROM singer WHERE height > 20
wrong column

-- a column is missing
SELECT name, age FROM singer
SELECT name FROM singer
missing column

-- a column too many
SELECT name FROM singer
SELECT name, age FROM singer
extra column

-- all columns
SELECT name FROM singer
SELECT * FROM singer
extra column

-- the right columns in another order
SELECT name, age FROM singer
SELECT age, name FROM singer
column order

-- another comparison
SELECT name FROM singer WHERE age > 20
SELECT name FROM singer WHERE age >= 20
wrong operator

-- equality for LIKE
SELECT name FROM singer WHERE name LIKE 'Ann'
SELECT name FROM singer WHERE name = 'Ann'
wrong operator

-- a negation is missing
SELECT name FROM singer WHERE name NOT LIKE '%a%'
SELECT name FROM singer WHERE name LIKE '%a%'
wrong operator

-- a negated subquery
SELECT name FROM singer WHERE id NOT IN (SELECT singer_id FROM song)
SELECT name FROM singer WHERE id IN (SELECT singer_id FROM song)
wrong operator

-- another text
SELECT name FROM singer WHERE country = 'France'
SELECT name FROM singer WHERE country = 'france'
wrong literal

-- quotes around a number
SELECT name FROM singer WHERE year = '1970' AND age > 20
SELECT name FROM singer WHERE year = 1970 AND age > 30
wrong literal

-- quotes around a number matter where nothing else differs
SELECT name FROM singer WHERE year = '1970'
SELECT name FROM singer WHERE year = 1970
wrong literal

-- quotes around a number beside another error
SELECT name FROM singer WHERE year = '1970'
SELECT age FROM singer WHERE year = 1970
wrong column

-- another number
SELECT name FROM singer WHERE age > 20
SELECT name FROM singer WHERE age > -20.5
wrong literal

-- another list of values
SELECT name FROM singer WHERE country IN ('France', 'Spain')
SELECT name FROM singer WHERE country IN ('France', 'Italy', 'Malta')
wrong literal

-- another calculation
SELECT max(age) - min(age) FROM singer
SELECT max(age) + min(age) FROM singer
wrong operator

-- another function
SELECT upper(name) FROM singer
SELECT lower(name) FROM singer
wrong expression

-- DISTINCT is missing
SELECT DISTINCT country FROM singer
SELECT country FROM singer
wrong distinct

-- a needless DISTINCT in an aggregate
SELECT count(country) FROM singer
SELECT count(DISTINCT country) FROM singer
wrong distinct

-- sorted the other way round
SELECT name FROM singer ORDER BY age DESC
SELECT name FROM singer ORDER BY age
wrong order

-- not sorted
SELECT name FROM singer ORDER BY age
SELECT name FROM singer
wrong order

-- the rows that are cut off depend on the order
SELECT name FROM singer LIMIT 3
SELECT name FROM singer ORDER BY age LIMIT 3
wrong order

-- a needless order matters where nothing else differs
SELECT name FROM singer
SELECT name FROM singer ORDER BY age
wrong order

-- a needless order beside another error
SELECT name FROM singer
SELECT age FROM singer ORDER BY age
wrong column

-- another number of rows
SELECT name FROM singer ORDER BY age LIMIT 1
SELECT name FROM singer ORDER BY age LIMIT 3
wrong limit

-- an offset
SELECT name FROM singer ORDER BY age LIMIT 1
SELECT name FROM singer ORDER BY age LIMIT 1 OFFSET 1
wrong limit

-- another set operation
SELECT name FROM singer UNION SELECT name FROM song
SELECT name FROM singer UNION ALL SELECT name FROM song
wrong set operation

-- the sides of a union in the other order
SELECT name FROM singer WHERE age > 20 UNION SELECT name FROM song WHERE year = 2010
SELECT name FROM song WHERE year = 2011 UNION SELECT name FROM singer WHERE age > 20
wrong literal

-- the sides of a difference in the other order
SELECT name FROM singer EXCEPT SELECT name FROM song
SELECT name FROM song EXCEPT SELECT name FROM singer
wrong table

-- a set operation is missing
SELECT name FROM singer EXCEPT SELECT name FROM song
SELECT name FROM singer
wrong set operation

-- several at once, the most telling first
SELECT T1.name FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id WHERE T2.year = 2010 ORDER BY T1.age LIMIT 1
SELECT DISTINCT name FROM singer ORDER BY age DESC LIMIT 1
missing join, missing condition, wrong distinct, wrong order
