CREATE TABLE deployed_apps (
    app_id INTEGER PRIMARY KEY AUTOINCREMENT, app_name TEXT NOT NULL, container_id TEXT NOT NULL, image_tag TEXT NOT NULL, public_route TEXT NOT NULL,
    internal_port INTEGER NOT NULL, is_public INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'running', deployment_date TEXT NOT NULL DEFAULT (datetime('now')),
    deployment_type TEXT NOT NULL DEFAULT 'dockerfile', compose_file TEXT, main_service TEXT, volume_mounts TEXT
);
INSERT INTO deployed_apps (app_name, container_id, image_tag, public_route, internal_port, status, deployment_type, main_service, volume_mounts) VALUES
    ('hello', 'c1', 'milkcrate-hello:20260101-120000', '/hello', 8000, 'running', 'dockerfile', NULL, '{"milkcrate-vol-notes": {"bind": "/data", "mode": "rw"}}'),
    ('Two-Parts', 'c2', 'compose', '/parts', 5000, 'stopped', 'docker-compose', 'web', NULL),
    ('lost', 'c3', 'milkcrate-lost:20260101-120000', '/lost', 8000, 'running', 'dockerfile', NULL, NULL);
