-- +goose Up

-- The public ports of apps, beside their routes. Of several claims the first one gets it.
CREATE TABLE public_ports (
    number   INTEGER NOT NULL CHECK (number BETWEEN 1 AND 65535),
    protocol TEXT    NOT NULL CHECK (protocol IN ('tcp', 'udp')),
    app      TEXT    NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    service  TEXT    NOT NULL, -- of the app's compose file; empty: the one that the routes lead to
    target   INTEGER NOT NULL CHECK (target BETWEEN 1 AND 65535), -- where the service listens
    PRIMARY KEY (number, protocol)
) STRICT, WITHOUT ROWID;

CREATE INDEX public_ports_of_app ON public_ports (app);
