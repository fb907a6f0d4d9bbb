"""Text before it is spoken: languages, sentences, normalisation, pronunciation, subtitles.

Nothing here makes or reads audio. Engines are in `engines`.
"""
