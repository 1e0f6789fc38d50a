CREATE TABLE circuits (circuitId INTEGER PRIMARY KEY, circuitRef TEXT, name TEXT, location TEXT, country TEXT, lat REAL, lng REAL, alt INTEGER, url TEXT);
CREATE TABLE constructors (constructorId INTEGER PRIMARY KEY, constructorRef TEXT, name TEXT, nationality TEXT, url TEXT);
CREATE TABLE drivers (driverId INTEGER PRIMARY KEY, driverRef TEXT, number INTEGER, code TEXT, forename TEXT, surname TEXT, dob DATE, nationality TEXT, url TEXT);
CREATE TABLE races (raceId INTEGER PRIMARY KEY, year INTEGER, round INTEGER, circuitId INTEGER REFERENCES circuits (circuitId), name TEXT, date DATE, time TEXT, url TEXT);
CREATE TABLE status (statusId INTEGER PRIMARY KEY, status TEXT);
CREATE TABLE results (
  resultId INTEGER PRIMARY KEY, raceId INTEGER REFERENCES races (raceId), driverId INTEGER REFERENCES drivers (driverId),
  constructorId INTEGER REFERENCES constructors (constructorId), number INTEGER, grid INTEGER, position INTEGER,
  positionText TEXT, positionOrder INTEGER, points REAL, laps INTEGER, time TEXT, milliseconds INTEGER,
  fastestLap INTEGER, rank INTEGER, fastestLapTime TEXT, fastestLapSpeed TEXT, statusId INTEGER REFERENCES status (statusId)
);
CREATE TABLE qualifying (qualifyId INTEGER PRIMARY KEY, raceId INTEGER, driverId INTEGER, constructorId INTEGER, number INTEGER, position INTEGER, q1 TEXT, q2 TEXT, q3 TEXT);
CREATE TABLE lapTimes (raceId INTEGER, driverId INTEGER, lap INTEGER, position INTEGER, time TEXT, milliseconds INTEGER, PRIMARY KEY (raceId, driverId, lap));
CREATE TABLE pitStops (raceId INTEGER, driverId INTEGER, stop INTEGER, lap INTEGER, time TEXT, duration TEXT, milliseconds INTEGER, PRIMARY KEY (raceId, driverId, stop));
CREATE TABLE driverStandings (driverStandingsId INTEGER PRIMARY KEY, raceId INTEGER, driverId INTEGER, points REAL, position INTEGER, positionText TEXT, wins INTEGER);
INSERT INTO circuits VALUES (1, 'monza', 'Autodromo di Monza', 'Monza', 'Italy', 45.6, 9.28, 162, NULL), (2, 'spa', 'Spa-Francorchamps', 'Spa', 'Belgium', 50.4, 5.97, 401, NULL);
INSERT INTO constructors VALUES (1, 'ferrari', 'Ferrari', 'Italian', NULL), (2, 'mclaren', 'McLaren', 'British', NULL);
INSERT INTO drivers VALUES (1, 'hamilton', 44, 'HAM', 'Lewis', 'Hamilton', '1985-01-07', 'British', NULL), (2, 'massa', 19, 'MAS', 'Felipe', 'Massa', '1981-04-25', 'Brazilian', NULL), (3, 'lauda', NULL, NULL, 'Niki', 'Lauda', '1949-02-22', 'Austrian', NULL);
INSERT INTO races VALUES (18, 2008, 13, 2, 'Belgian Grand Prix', '2008-09-07', '12:00:00', NULL), (19, 2008, 14, 1, 'Italian Grand Prix', '2008-09-14', '12:00:00', NULL), (20, 2009, 12, 2, 'Belgian Grand Prix', '2009-08-30', NULL, NULL);
INSERT INTO status VALUES (1, 'Finished'), (3, 'Accident'), (11, '+1 Lap');
INSERT INTO results VALUES (1, 18, 1, 2, 22, 1, 3, '3', 3, 6, 44, '+10.539', 5063000, 42, 2, '1:48.222', '233.0', 1), (2, 18, 2, 1, 2, 3, 1, '1', 1, 10, 44, '1:22:59.394', 4979394, 40, 3, '1:48.222', '232.9', 1), (3, 19, 1, 2, 22, 15, NULL, 'R', 18, 0, 12, NULL, NULL, NULL, NULL, NULL, NULL, 3);
INSERT INTO qualifying VALUES (1, 18, 1, 2, 22, 1, '1:46.887', '1:45.500', '1:47.338'), (2, 18, 2, 1, 2, 3, '1:46.873', '1:45.994', '1:47.894');
INSERT INTO lapTimes VALUES (18, 1, 1, 1, '1:55.000', 115000), (18, 1, 2, 1, '1:49.500', 109500), (18, 2, 1, 2, '1:56.100', 116100);
INSERT INTO pitStops VALUES (18, 1, 1, 12, '14:20:10', '22.5', 22500), (18, 2, 1, 13, '14:22:00', '23.9', 23900);
INSERT INTO driverStandings VALUES (1, 18, 1, 76, 1, '1', 4), (2, 18, 2, 74, 2, '2', 5);
