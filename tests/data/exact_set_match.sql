-- Titled pairs for tests/test_exact_match.py: gold, prediction, then what the official program says:
-- match, or the components that are wrong, or tables where only those are. The schema is in the test.

-- values do not count
SELECT name FROM member WHERE age > 20 AND name = 'Ann'
SELECT name FROM member WHERE age > 65 AND name = "Bo"
match

-- clauses are sets: select items and conditions in any order
SELECT name , age FROM member WHERE age > 20 AND id < 9
SELECT age , name FROM member WHERE id < 9 AND age > 20
match

-- aliases and the case of words do not count
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
select A.Name from JOINED as B join MEMBER as A on B.member_id = A.id
match

-- DISTINCT does not count
SELECT DISTINCT name , count(DISTINCT age) FROM member GROUP BY name
SELECT name , count(age) FROM member GROUP BY name
match

-- DISTINCT counts in a query inside a condition
SELECT name FROM member WHERE id IN (SELECT DISTINCT member_id FROM joined)
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined)
where

-- values do not count in a query inside a condition
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined WHERE year = 2020)
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined WHERE year = 1999)
match

-- the order of conditions counts in a query inside a condition
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined WHERE year = 1 AND club_id = 2)
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined WHERE club_id = 2 AND year = 1)
where

-- values count in a query in FROM
SELECT count(*) FROM (SELECT name FROM member WHERE age > 20)
SELECT count(*) FROM (SELECT name FROM member WHERE age > 21)
tables

-- a query in FROM counts as a whole
SELECT count(*) FROM (SELECT DISTINCT name FROM member WHERE age > 20)
SELECT count(*) FROM (SELECT DISTINCT name FROM member WHERE age > 20)
match

-- DISTINCT counts in a query in FROM
SELECT count(*) FROM (SELECT DISTINCT name FROM member)
SELECT count(*) FROM (SELECT name FROM member)
tables

-- both ends of a foreign key are one column
SELECT T1.id FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
SELECT T2.member_id FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
match

-- two columns that point at the same one are one column
SELECT T2.member_id FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
SELECT T2.sponsor_id FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
match

-- a foreign key joins columns although the other table is not there
SELECT count(id) FROM member
SELECT count(member_id) FROM joined
tables

-- a foreign key does not join columns in a query inside a condition
SELECT title FROM club WHERE id IN (SELECT T2.club_id FROM joined AS T2 JOIN club AS T1 ON T1.id = T2.club_id)
SELECT title FROM club WHERE id IN (SELECT T1.id FROM joined AS T2 JOIN club AS T1 ON T1.id = T2.club_id)
where

-- on the right of a set operation the tables of the left decide which foreign keys hold
SELECT id FROM member UNION SELECT member_id FROM joined
SELECT id FROM member UNION SELECT sponsor_id FROM joined
IUEN

-- there they hold where the left has the table
SELECT member_id FROM joined UNION SELECT member_id FROM joined
SELECT member_id FROM joined UNION SELECT sponsor_id FROM joined
match

-- ON does not count
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.age = T2.year
match

-- a table that is joined twice counts twice
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id JOIN joined AS T3 ON T1.id = T3.member_id
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
tables

-- tables count once all components are right
SELECT count(*) FROM member
SELECT count(*) FROM club
tables

-- GROUP BY does not look at tables, but with HAVING it does
SELECT T1.title FROM club AS T1 JOIN joined AS T2 ON T1.id = T2.club_id GROUP BY T1.id
SELECT T1.title FROM club AS T1 JOIN joined AS T2 ON T1.id = T2.club_id JOIN member AS T3 ON T3.id = T2.member_id GROUP BY T3.id
group

-- the order of GROUP BY counts
SELECT name , age FROM member GROUP BY name , age
SELECT name , age FROM member GROUP BY age , name
group

-- HAVING is part of GROUP BY
SELECT name FROM member GROUP BY name HAVING count(*) > 1
SELECT name FROM member GROUP BY name HAVING count(*) < 1
group

-- a limit is a limit
SELECT name FROM member ORDER BY age LIMIT 1
SELECT name FROM member ORDER BY age LIMIT 3
match

-- a missing limit is an error of ORDER BY, too
SELECT name FROM member ORDER BY age LIMIT 1
SELECT name FROM member ORDER BY age
order, keywords

-- ascending is the default
SELECT name FROM member ORDER BY age
SELECT name FROM member ORDER BY age ASC
match

-- the last direction stands for all
SELECT name FROM member ORDER BY age ASC , name DESC
SELECT name FROM member ORDER BY age DESC , name DESC
match

-- the order of ORDER BY counts
SELECT name FROM member ORDER BY age , name
SELECT name FROM member ORDER BY name , age
order

-- AND and OR are compared as sets
SELECT name FROM member WHERE age > 1 OR id < 2 AND id > 3 OR age < 9
SELECT name FROM member WHERE age > 1 AND id < 2 OR id > 3 OR age < 9
match

-- AND is not OR
SELECT name FROM member WHERE age > 1 AND id < 2
SELECT name FROM member WHERE age > 1 OR id < 2
and/or, keywords

-- OR after a column on the right is skipped with its comparison
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id OR T1.age = T2.year
match

-- OR in ON is a keyword
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T2.year = 1
SELECT T1.name FROM member AS T1 JOIN joined AS T2 ON T2.year = 1 OR T1.age = 2
keywords

-- another operator is an error of WHERE alone
SELECT name FROM member WHERE age > 20
SELECT name FROM member WHERE age >= 20
where

-- IN is a keyword, too
SELECT name FROM member WHERE id = (SELECT member_id FROM joined)
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined)
where, keywords

-- NOT IN is a negated IN
SELECT name FROM member WHERE id IN (SELECT member_id FROM joined)
SELECT name FROM member WHERE id NOT IN (SELECT member_id FROM joined)
where, keywords

-- the sides of a comparison do not change places
SELECT name FROM member WHERE age > id
SELECT name FROM member WHERE id < age
where, where(no OP)

-- a column on the right of a comparison is a value
SELECT name FROM member WHERE age > id
SELECT name FROM member WHERE age > 3
match

-- the aggregate in front of the first column is the item's own
SELECT max(age) , name FROM member
SELECT min(age) , name FROM member
select

-- set operations match as a whole
SELECT name FROM member WHERE age > 20 EXCEPT SELECT title FROM club
SELECT name FROM member WHERE age > 30 EXCEPT SELECT title FROM club
match

-- another set operation is another keyword
SELECT name FROM member UNION SELECT title FROM club
SELECT name FROM member INTERSECT SELECT title FROM club
IUEN, keywords

-- the two sides of a set operation do not change places
SELECT name FROM member UNION SELECT title FROM club
SELECT title FROM club UNION SELECT name FROM member
select, select(no AGG), IUEN

-- `value` becomes 1, also inside a name
SELECT name FROM member WHERE age > 1
SELECT name FROM member WHERE age > value
match

-- what cannot be read is an empty query, right wherever gold has nothing
SELECT name FROM member
SELECT name FROM member AS m LEFT JOIN joined
select, select(no AGG)

-- an empty query is wrong in what gold has
SELECT name FROM member WHERE age > 1 AND id < 2 GROUP BY name ORDER BY name LIMIT 1
not SQL
select, select(no AGG), where, where(no OP), group(no Having), group, order, and/or, keywords

-- YEAR(CURDATE()) is not replaced here and cannot be read
SELECT name FROM member WHERE age = 2020
SELECT name FROM member WHERE age = YEAR(CURDATE())
select, select(no AGG), where, where(no OP), keywords

-- text after the end is ignored
SELECT name FROM member
SELECT name FROM member ) WHERE whatever
match

-- two selects of one column against one
SELECT name , name FROM member
SELECT name , age FROM member
select, select(no AGG)

-- an expression is one item
SELECT age - id FROM member
SELECT id - age FROM member
select, select(no AGG)
