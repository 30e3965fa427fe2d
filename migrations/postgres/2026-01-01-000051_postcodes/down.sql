DROP INDEX establishments_postcode;
DROP INDEX organisations_postcode;
