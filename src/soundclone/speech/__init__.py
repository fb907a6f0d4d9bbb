"""Text and voices: languages, scripts, subtitles and the engines that speak."""
