"""Objects that are no pictures, each in its fitting form: reports, waveforms, documents."""
