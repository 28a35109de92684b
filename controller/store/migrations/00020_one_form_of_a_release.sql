-- +goose Up

-- services describes every release from its plan on, also one of a single service. "sole"
-- is the service of an archive without a compose file, or of an image: all variables of
-- the app are given to it when it starts, so none is kept here.
UPDATE releases SET services = json_array(json_object(
    'spec', json_object(
        'Name', 'main',
        'Image', image_reference,
        'Port', port,
        'Limits', json_object('MemoryBytes', memory_bytes, 'NanoCPUs', nano_cpus, 'Processes', processes),
        'Waivers', json_object(
            'WritableRoot', json(CASE writable_root WHEN 1 THEN 'true' ELSE 'false' END),
            'Database', json(CASE database_waiver WHEN 1 THEN 'true' ELSE 'false' END))),
    'main', json('true'),
    'sole', json('true'),
    'image', image,
    'instances', json(instances)))
WHERE services = '[]' AND (image <> '' OR instances <> '[]' OR state IN ('live', 'superseded'));

-- Why the release exists; rollback_of is the release whose images it runs again. Until
-- now new volumes were new settings.
ALTER TABLE releases ADD COLUMN cause TEXT NOT NULL DEFAULT 'upload'
      CHECK (cause IN ('upload', 'rollback', 'settings', 'environment', 'mounts'));
UPDATE releases SET cause = CASE WHEN new_environment = 1 THEN 'environment' WHEN new_settings = 1 THEN 'settings' ELSE 'rollback' END
WHERE rollback_of > 0;

ALTER TABLE releases DROP COLUMN new_environment;
ALTER TABLE releases DROP COLUMN new_settings;
