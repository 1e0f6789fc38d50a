-- Members, clubs and who joined which: NULLs, duplicates, a view and an empty table, for scoring tests.
CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, score REAL);
CREATE TABLE club (id INTEGER PRIMARY KEY, title TEXT, city TEXT);
CREATE TABLE joined (member_id INTEGER REFERENCES member (id), club_id INTEGER REFERENCES club (id), year INTEGER);
CREATE TABLE guest (id INTEGER, name TEXT);
CREATE VIEW adult AS SELECT * FROM member WHERE age >= 18;
INSERT INTO member VALUES (1, 'Ann', 20, 1.0), (2, 'Bo', 17, 2.5), (3, 'Cy', 20, NULL), (4, 'Ann', 31, 4.0);
INSERT INTO club VALUES (1, 'Chess', 'Ulm'), (2, 'Rowing', 'Ulm'), (3, 'Choir', 'Trier');
INSERT INTO joined VALUES (1, 1, 2020), (1, 2, 2021), (2, 1, 2021), (4, 3, 2020), (4, 3, 2020);
