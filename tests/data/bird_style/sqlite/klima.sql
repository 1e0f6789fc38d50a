CREATE TABLE Messstation (
  "Stations-Nr." INTEGER PRIMARY KEY, "Straße" TEXT, Ort TEXT, "Höhe (m ü. NN)" INTEGER, "Länge°" REAL, "Breite°" REAL,
  "Größe" TEXT, "Inbetriebnahme" DATE, "Außer Betrieb" DATE, "Betreiber/Träger" TEXT
);
CREATE TABLE "日报" (
  "编号" INTEGER PRIMARY KEY, "站点" INTEGER REFERENCES Messstation ("Stations-Nr."), "日期" DATE, "最高气温(°C)" REAL,
  "最低气温(°C)" REAL, "降水量 mm" REAL, "湿度%" INTEGER, "风向" TEXT, "备注" TEXT, "是否有效?" INTEGER
);
CREATE TABLE "Relevés horaires" (
  "n°" INTEGER PRIMARY KEY, station INTEGER REFERENCES Messstation ("Stations-Nr."), "prélevé à" DATETIME, "température °C" REAL,
  "température ressentie °C" REAL, "pression (hPa)" REAL, "humidité %" REAL, "vent m/s" REAL, "rafale m/s" REAL,
  "visibilité" INTEGER, "neige [cm]" REAL, "nébulosité (octas)" INTEGER, "qualité" TEXT, "équipe" TEXT,
  "PM2.5" REAL, "PM10" REAL, "NO₂ µg/m³" REAL, "O₃ µg/m³" REAL, "SO₂ µg/m³" REAL, "CO mg/m³" REAL, "indice UV" REAL,
  "capteur#1" TEXT, "capteur#2" TEXT, "capteur#3" TEXT, "étalonné?" INTEGER, "dernier étalonnage" DATE,
  "24h pluie" REAL, "1h pluie" REAL, "7j moyenne" REAL, "écart-type" REAL, "défaut" TEXT
);
CREATE TABLE "город" ("код" TEXT PRIMARY KEY, "название" TEXT, "население" INTEGER, "станция" INTEGER REFERENCES Messstation ("Stations-Nr."));
INSERT INTO Messstation VALUES (1, 'Königsallee 3', 'Düsseldorf', 45, 6.78, 51.2, 'groß', '1969-01-01', NULL, 'DWD/Bund'), (2, 'Am Kölner Brett', 'Köln', 92, 6.96, 50.9, 'klein', '1957-07-01', '2011-12-31', NULL), (3, 'Zugspitze', 'Garmisch', 2964, 10.98, 47.4, 'groß', '1900-08-01', NULL, 'DWD/Bund');
INSERT INTO "日报" VALUES (1, 1, '2023-01-01', 16.1, 9.4, 0.0, 71, '西南', NULL, 1), (2, 1, '2023-01-02', 13.0, 7.7, 4.2, 88, '西', '有雨', 1), (3, 3, '2023-01-01', 1.2, -4.0, NULL, 64, '北', NULL, 0);
INSERT INTO "Relevés horaires" ("n°", station, "prélevé à", "température °C", "température ressentie °C", "pression (hPa)", "humidité %", "vent m/s", "rafale m/s", "neige [cm]", "nébulosité (octas)", "qualité", "équipe", "PM2.5", "PM10", "NO₂ µg/m³", "capteur#1", "étalonné?", "dernier étalonnage", "24h pluie", "1h pluie") VALUES
 (1, 1, '2023-01-01 00:00:00', 14.2, 12.0, 1012.5, 71, 5.1, 9.8, 0, 7, 'bonne', 'Équipe A', 8.1, 14.0, 21.5, 'ok', 1, '2022-10-01', 0.0, 0.0), (2, 1, '2023-01-01 01:00:00', 13.9, 11.5, 1012.1, 72, 5.6, 11.2, 0, 8, 'bonne', 'Équipe A', 9.7, 15.5, 20.0, 'ok', 1, '2022-10-01', 0.2, 0.2), (3, 3, '2023-01-01 00:00:00', -3.5, -11.0, 710.0, 64, 12.0, 20.1, 145, 2, 'douteuse', NULL, 1.0, 2.0, NULL, 'panne', 0, NULL, NULL, NULL);
INSERT INTO "город" VALUES ('DUS', 'Дюссельдорф', 619294, 1), ('CGN', 'Кёльн', 1073096, 2), ('GAP', 'Гармиш', 27482, 3);
