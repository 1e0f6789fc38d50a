CREATE TABLE station (id INTEGER PRIMARY KEY, name VARCHAR, lat DOUBLE, long DOUBLE, dock_count INTEGER, city VARCHAR, installed DATE, "Zip-Code" VARCHAR);
CREATE TABLE trip (
  id BIGINT PRIMARY KEY, duration INTEGER, start_time TIMESTAMP, end_time TIMESTAMP, start_station INTEGER REFERENCES station (id),
  end_station INTEGER REFERENCES station (id), bike_id INTEGER, subscription VARCHAR, "Rider Age" INTEGER, "e-bike?" BOOLEAN, "Fare ($)" DECIMAL(6,2)
);
CREATE TABLE status (station_id INTEGER, bikes_available INTEGER, docks_available INTEGER, "time" TIMESTAMP);
CREATE TABLE weather (
  "date" DATE, zip VARCHAR, "Max Temp °F" INTEGER, "Mean Temp °F" INTEGER, "Min Temp °F" INTEGER, "Max Dew Point" INTEGER, "Mean Humidity (%)" INTEGER,
  "Max Wind (mph)" INTEGER, "Mean Wind (mph)" INTEGER, "Max Gust (mph)" INTEGER, "Precipitation/inches" DOUBLE, "Cloud Cover" INTEGER, events VARCHAR,
  "Wind Dir°" INTEGER, "Mean Sea Level Pressure" DOUBLE, "Visibility, max" INTEGER, "Visibility, min" INTEGER, PRIMARY KEY ("date", zip)
);
INSERT INTO station VALUES (1, 'Market St', 37.78, -122.41, 27, 'San Francisco', '2013-08-06', '94107'), (2, 'Castro', 37.39, -122.08, 15, 'Mountain View', '2013-12-31', '94041'), (3, 'Ryland Park', 37.34, -121.89, 11, 'San Jose', '2014-04-09', '95113');
INSERT INTO trip VALUES (10, 630, '2015-06-01 08:05:00', '2015-06-01 08:15:30', 1, 2, 77, 'Subscriber', 34, false, 3.00), (11, 4200, '2015-06-01 12:00:00', '2015-06-01 13:10:00', 2, 2, 78, 'Customer', NULL, true, 9.50), (12, 300, '2015-06-06 17:40:00', '2015-06-06 17:45:00', 1, 1, 77, 'Subscriber', 52, true, 2.00);
INSERT INTO status VALUES (1, 5, 22, '2015-06-01 08:00:00'), (1, 4, 23, '2015-06-01 08:06:00'), (2, 0, 15, '2015-06-01 08:00:00');
INSERT INTO weather ("date", zip, "Max Temp °F", "Mean Temp °F", "Min Temp °F", "Mean Humidity (%)", "Max Wind (mph)", "Mean Wind (mph)", "Precipitation/inches", "Cloud Cover", events) VALUES ('2015-06-01', '94107', 74, 66, 61, 75, 14, 6, 0.0, 4, NULL), ('2015-06-06', '94107', 81, 70, 58, 60, 22, 9, 0.12, 7, 'Fog-Rain'), ('2015-06-01', '94041', 79, 68, 57, 70, 18, 7, 0.0, 2, 'Fog');
