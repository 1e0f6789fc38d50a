CREATE TABLE Country (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE League (id INTEGER PRIMARY KEY, country_id INTEGER REFERENCES Country (id), name TEXT UNIQUE);
CREATE TABLE Team (id INTEGER PRIMARY KEY, team_api_id INTEGER UNIQUE, team_fifa_api_id INTEGER, team_long_name TEXT, team_short_name TEXT);
CREATE TABLE Player (id INTEGER PRIMARY KEY, player_api_id INTEGER UNIQUE, player_name TEXT, player_fifa_api_id INTEGER UNIQUE, birthday TEXT, height REAL, weight INTEGER);
CREATE TABLE Player_Attributes (
  id INTEGER PRIMARY KEY, player_fifa_api_id INTEGER, player_api_id INTEGER REFERENCES Player (player_api_id), date TEXT,
  overall_rating INTEGER, potential INTEGER, preferred_foot TEXT, attacking_work_rate TEXT, defensive_work_rate TEXT,
  crossing INTEGER, finishing INTEGER, heading_accuracy INTEGER, short_passing INTEGER, volleys INTEGER, dribbling INTEGER,
  curve INTEGER, free_kick_accuracy INTEGER, long_passing INTEGER, ball_control INTEGER, acceleration INTEGER,
  sprint_speed INTEGER, agility INTEGER, reactions INTEGER, balance INTEGER, shot_power INTEGER, jumping INTEGER,
  stamina INTEGER, strength INTEGER, long_shots INTEGER, aggression INTEGER, interceptions INTEGER, positioning INTEGER,
  vision INTEGER, penalties INTEGER, marking INTEGER, standing_tackle INTEGER, sliding_tackle INTEGER, gk_diving INTEGER,
  gk_handling INTEGER, gk_kicking INTEGER, gk_positioning INTEGER, gk_reflexes INTEGER
);
CREATE TABLE Team_Attributes (
  id INTEGER PRIMARY KEY, team_fifa_api_id INTEGER, team_api_id INTEGER REFERENCES Team (team_api_id), date TEXT,
  buildUpPlaySpeed INTEGER, buildUpPlaySpeedClass TEXT, buildUpPlayDribbling INTEGER, buildUpPlayDribblingClass TEXT,
  buildUpPlayPassing INTEGER, buildUpPlayPassingClass TEXT, chanceCreationShooting INTEGER, chanceCreationShootingClass TEXT,
  defencePressure INTEGER, defencePressureClass TEXT, defenceAggression INTEGER, defenceTeamWidth INTEGER
);
CREATE TABLE Match (
  id INTEGER PRIMARY KEY, country_id INTEGER REFERENCES Country (id), league_id INTEGER REFERENCES League (id), season TEXT,
  stage INTEGER, date TEXT, match_api_id INTEGER UNIQUE, home_team_api_id INTEGER REFERENCES Team (team_api_id),
  away_team_api_id INTEGER REFERENCES Team (team_api_id), home_team_goal INTEGER, away_team_goal INTEGER,
  home_player_X1 INTEGER, home_player_X2 INTEGER, home_player_X3 INTEGER, home_player_X4 INTEGER, home_player_X5 INTEGER, home_player_X6 INTEGER,
  home_player_X7 INTEGER, home_player_X8 INTEGER, home_player_X9 INTEGER, home_player_X10 INTEGER, home_player_X11 INTEGER,
  away_player_X1 INTEGER, away_player_X2 INTEGER, away_player_X3 INTEGER, away_player_X4 INTEGER, away_player_X5 INTEGER, away_player_X6 INTEGER,
  away_player_X7 INTEGER, away_player_X8 INTEGER, away_player_X9 INTEGER, away_player_X10 INTEGER, away_player_X11 INTEGER,
  home_player_Y1 INTEGER, home_player_Y2 INTEGER, home_player_Y3 INTEGER, home_player_Y4 INTEGER, home_player_Y5 INTEGER, home_player_Y6 INTEGER,
  home_player_Y7 INTEGER, home_player_Y8 INTEGER, home_player_Y9 INTEGER, home_player_Y10 INTEGER, home_player_Y11 INTEGER,
  away_player_Y1 INTEGER, away_player_Y2 INTEGER, away_player_Y3 INTEGER, away_player_Y4 INTEGER, away_player_Y5 INTEGER, away_player_Y6 INTEGER,
  away_player_Y7 INTEGER, away_player_Y8 INTEGER, away_player_Y9 INTEGER, away_player_Y10 INTEGER, away_player_Y11 INTEGER,
  home_player_1 INTEGER REFERENCES Player (player_api_id), home_player_2 INTEGER, home_player_3 INTEGER, home_player_4 INTEGER, home_player_5 INTEGER, home_player_6 INTEGER,
  home_player_7 INTEGER, home_player_8 INTEGER, home_player_9 INTEGER, home_player_10 INTEGER, home_player_11 INTEGER,
  away_player_1 INTEGER REFERENCES Player (player_api_id), away_player_2 INTEGER, away_player_3 INTEGER, away_player_4 INTEGER, away_player_5 INTEGER, away_player_6 INTEGER,
  away_player_7 INTEGER, away_player_8 INTEGER, away_player_9 INTEGER, away_player_10 INTEGER, away_player_11 INTEGER,
  goal TEXT, shoton TEXT, shotoff TEXT, foulcommit TEXT, card TEXT, "cross" TEXT, corner TEXT, possession TEXT,
  B365H REAL, B365D REAL, B365A REAL, BWH REAL, BWD REAL, BWA REAL, IWH REAL, IWD REAL, IWA REAL, LBH REAL, LBD REAL, LBA REAL,
  PSH REAL, PSD REAL, PSA REAL, WHH REAL, WHD REAL, WHA REAL, SJH REAL, SJD REAL, SJA REAL, VCH REAL, VCD REAL, VCA REAL,
  GBH REAL, GBD REAL, GBA REAL, BSH REAL, BSD REAL, BSA REAL
);
INSERT INTO Country VALUES (1, 'Belgium'), (1729, 'England');
INSERT INTO League VALUES (1, 1, 'Belgium Jupiler League'), (1729, 1729, 'England Premier League');
INSERT INTO Team VALUES (1, 9987, 673, 'KRC Genk', 'GEN'), (2, 9993, 675, 'Beerschot AC', 'BAC'), (3, 10260, 11, 'Manchester United', 'MUN');
INSERT INTO Player VALUES (1, 505942, 'Aaron Appindangoye', 218353, '1992-02-29 00:00:00', 182.88, 187), (2, 155782, 'Aaron Cresswell', 189615, '1989-12-15 00:00:00', 170.18, 146);
INSERT INTO Player_Attributes (id, player_fifa_api_id, player_api_id, date, overall_rating, potential, preferred_foot, attacking_work_rate, crossing, finishing, dribbling, sprint_speed, penalties, gk_diving) VALUES (1, 218353, 505942, '2016-02-18 00:00:00', 67, 71, 'right', 'medium', 49, 44, 51, 64, 48, 6), (2, 218353, 505942, '2015-11-19 00:00:00', 62, 66, 'right', 'medium', 48, 43, 51, 64, 47, 6), (3, 189615, 155782, '2016-04-21 00:00:00', 74, 76, 'left', 'high', 80, 53, 73, 78, 59, 14);
INSERT INTO Team_Attributes (id, team_fifa_api_id, team_api_id, date, buildUpPlaySpeed, buildUpPlaySpeedClass, buildUpPlayPassing, chanceCreationShooting, defencePressure) VALUES (1, 673, 9987, '2010-02-22 00:00:00', 60, 'Balanced', 50, 55, 50), (2, 675, 9993, '2014-09-19 00:00:00', 30, 'Slow', 45, 60, 44);
INSERT INTO Match (id, country_id, league_id, season, stage, date, match_api_id, home_team_api_id, away_team_api_id, home_team_goal, away_team_goal, home_player_1, away_player_1, B365H, B365D, B365A, BWH) VALUES (1, 1, 1, '2008/2009', 1, '2008-08-17 00:00:00', 492473, 9987, 9993, 1, 1, 505942, 155782, 1.73, 3.4, 5, 1.75), (2, 1, 1, '2009/2010', 2, '2009-08-16 00:00:00', 492474, 9993, 9987, 0, 3, NULL, 505942, 1.95, 3.2, 3.6, 1.8), (3, 1729, 1729, '2015/2016', 1, '2015-08-08 00:00:00', 1989903, 10260, 9987, 1, 0, 155782, NULL, NULL, NULL, NULL, NULL);
