DROP INDEX organisations_kind_updated_at;
DROP TABLE saved_views;
