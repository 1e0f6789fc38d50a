CREATE TABLE movie (
  movie_id INTEGER PRIMARY KEY, title TEXT, "year" INTEGER, budget INTEGER, revenue INTEGER, popularity REAL, runtime INTEGER,
  release_date DATE, "status" TEXT, tagline TEXT, vote_average REAL, vote_count INTEGER, meta TEXT, "2nd title" TEXT,
  "language" TEXT, "+18" INTEGER, "R&D cost" REAL, "U.S. gross" REAL, "non-U.S. gross" REAL, "box/office rank" INTEGER
);
CREATE TABLE person (person_id INTEGER PRIMARY KEY, person_name TEXT, gender TEXT, born DATE, died DATE, parent_id INTEGER REFERENCES person (person_id));
CREATE TABLE movie_cast (movie_id INTEGER REFERENCES movie (movie_id), person_id INTEGER REFERENCES person (person_id), character_name TEXT, cast_order INTEGER, pay REAL);
CREATE TABLE genre (genre_id INTEGER PRIMARY KEY, genre_name TEXT);
CREATE TABLE movie_genres (movie_id INTEGER REFERENCES movie (movie_id), genre_id INTEGER REFERENCES genre (genre_id));
CREATE TABLE "user" ("index" INTEGER PRIMARY KEY, "name" TEXT, "group" TEXT, "from" DATE, "to" DATE, "default" TEXT, "check" INTEGER, flags INTEGER);
CREATE TABLE rating (rating_id INTEGER PRIMARY KEY, movie_id INTEGER REFERENCES movie (movie_id), "user" INTEGER REFERENCES "user" ("index"), stars INTEGER, "when" DATETIME, "case" TEXT, "like?" INTEGER);
INSERT INTO movie VALUES (1, 'Four Rooms', 1995, 4000000, 4300000, 22.9, 98, '1995-12-09', 'Released', 'Twelve outrageous guests.', 6.5, 530, '{"studio": {"name": "Miramax", "city": "NY"}, "tags": ["hotel", "night"], "score": 7.5}', NULL, 'en', 1, NULL, 4.3, 0, 12), (2, 'Amélie', 2001, 10000000, 173921954, 40.1, 122, '2001-04-25', 'Released', NULL, 7.8, 3310, '{"studio": {"name": "UGC"}, "tags": [], "score": 8.9}', 'Le Fabuleux Destin', 'fr', 0, 0.5, 33.2, 140.7, 1), (3, 'Untitled', NULL, 0, 0, 0, NULL, NULL, 'Rumored', NULL, 0, 0, NULL, NULL, 'en', 0, NULL, NULL, NULL, NULL);
INSERT INTO person VALUES (1, 'Tim Roth', 'M', '1961-05-14', NULL, NULL), (2, 'Audrey Tautou', 'F', '1976-08-09', NULL, NULL), (3, 'Hunter Roth', 'M', '1996-01-01', NULL, 1);
INSERT INTO movie_cast VALUES (1, 1, 'Ted the Bellhop', 0, 100000), (1, 3, 'Boy (voice)', 1, NULL), (2, 2, 'Amélie Poulain', 0, 250000);
INSERT INTO genre VALUES (1, 'Comedy'), (2, 'Crime'), (3, 'Drama');
INSERT INTO movie_genres VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO "user" VALUES (1, 'ann', 'staff', '2020-01-01', NULL, 'x', 1, 5), (2, 'bob', 'guest', '2021-06-30', '2022-06-30', NULL, 0, 2);
INSERT INTO rating VALUES (1, 1, 1, 4, '2020-02-03 11:12:13', 'a', 1), (2, 1, 2, 2, '2021-07-01 00:00:00', NULL, 0), (3, 2, 1, 5, '2021-12-31 23:59:59', 'b', 1);
