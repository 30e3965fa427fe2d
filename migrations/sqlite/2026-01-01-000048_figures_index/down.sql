DROP INDEX consultations_figures;
