"""English sentences that together hold every phone of the acoustic model, several times over."""

SENTENCES = (
    "The old harbour was quiet, and only three fishing boats rocked gently beside the stone wall.",
    "Joyce gave the boys enough money to buy oysters, cheese and a large bag of fresh oranges.",
    "Usually the weather here changes before noon, though nobody thought about taking a jacket.",
    "He should have looked at both books first, because the third chapter was full of good ideas.",
    "My younger brother enjoys loud music, whereas our father would rather go out for a long walk.",
    "A thin yellow leaf fell on the path; she picked it up and put it between two pages.",
    "What a pleasure it was to watch the children build a huge house of sand near the water!",
    "George asked whether the judge would allow a short break after the witness had spoken.",
    "The television showed a beige bus turning sharply to avoid a dog that ran across the road.",
    "Could you put the sugar and the butter on the table, then push the chairs against the wall?",
    "They voted early this morning, then drove north through thick fog to visit their mother.",
    "Cook the rice for twelve minutes, add a pinch of pepper, and serve it with fresh yoghurt.",
)
