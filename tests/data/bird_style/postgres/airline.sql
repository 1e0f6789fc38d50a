CREATE TABLE airports ("IATA" char(3) PRIMARY KEY, name text, city text, country text, "Lat°" double precision, "Lon°" double precision, "Elev. (ft)" integer, tz text);
CREATE TABLE carriers (code varchar(2) PRIMARY KEY, description text, "low cost?" boolean);
CREATE TABLE flights (
  id bigint PRIMARY KEY, fl_date date, op_carrier varchar(2) REFERENCES carriers (code), op_carrier_fl_num integer, tail_num text, origin char(3) REFERENCES airports ("IATA"), dest char(3) REFERENCES airports ("IATA"),
  crs_dep_time time, dep_time time, dep_delay integer, dep_delay_new integer, taxi_out integer, wheels_off time, wheels_on time, taxi_in integer, crs_arr_time time, arr_time time, arr_delay integer, arr_delay_new integer,
  cancelled integer, cancellation_code char(1), diverted integer, crs_elapsed_time integer, actual_elapsed_time integer, air_time integer, distance integer, carrier_delay integer, weather_delay integer, nas_delay integer,
  security_delay integer, late_aircraft_delay integer, "Seats sold/total" text, "Load Factor (%)" numeric(5,2), "Avg. Fare $" numeric(8,2)
);
CREATE TABLE "Crew Members" ("Crew-ID" integer PRIMARY KEY, "Full Name" text, "role" text, "Base" char(3) REFERENCES airports ("IATA"), "Hours, total" numeric(7,1), "Licence until" date, languages text[]);
CREATE TABLE crew_flights (flight_id bigint REFERENCES flights (id), "Crew-ID" integer REFERENCES "Crew Members" ("Crew-ID"), duty interval, PRIMARY KEY (flight_id, "Crew-ID"));
INSERT INTO airports VALUES ('JFK', 'John F. Kennedy', 'New York', 'US', 40.64, -73.78, 13, 'America/New_York'), ('LHR', 'Heathrow', 'London', 'GB', 51.47, -0.45, 83, 'Europe/London'), ('ZRH', 'Zürich', 'Zürich', 'CH', 47.46, 8.55, 1416, 'Europe/Zurich');
INSERT INTO carriers VALUES ('BA', 'British Airways: BA', false), ('LX', 'Swiss: LX', false), ('B6', 'JetBlue: B6', true);
INSERT INTO flights (id, fl_date, op_carrier, op_carrier_fl_num, tail_num, origin, dest, crs_dep_time, dep_time, dep_delay, taxi_out, arr_delay, cancelled, cancellation_code, diverted, crs_elapsed_time, actual_elapsed_time, air_time, distance, weather_delay, "Load Factor (%)", "Avg. Fare $") VALUES
 (1, '2018-08-01', 'BA', 112, 'G-XLEA', 'JFK', 'LHR', '18:30', '18:55', 25, 30, 10, 0, NULL, 0, 420, 405, 370, 3451, NULL, 88.5, 640.00), (2, '2018-08-01', 'LX', 317, 'HB-IJK', 'LHR', 'ZRH', '09:05', '09:00', -5, 15, -12, 0, NULL, 0, 100, 93, 78, 490, NULL, 71.0, 150.50), (3, '2018-08-02', 'B6', 7, NULL, 'JFK', 'LHR', '21:00', NULL, NULL, NULL, NULL, 1, 'B', 0, 425, NULL, NULL, 3451, 60, NULL, NULL);
INSERT INTO "Crew Members" VALUES (1, 'Ida Weir', 'captain', 'LHR', 8200.5, '2025-01-31', '{en,de}'), (2, 'Jon Bell', 'first officer', 'JFK', 1500.0, '2023-06-30', '{en}'), (3, 'Kay Lin', 'purser', NULL, 4100.0, NULL, NULL);
INSERT INTO crew_flights VALUES (1, 1, '9 hours 30 minutes'), (1, 2, '9 hours'), (2, 1, '2 hours 15 minutes');
