--- A graph whose names are all that XML, graphviz and Mermaid give a meaning to, and that no text encoding expects.
return require("timekit.graph").define {
  name = "<&\"'x>", initial = "予約済み", first = "a<b>&\"c\"",
  states = {
    ["予約済み"] = {}, ["b\255ad\\n\\"] = {}, ["Ünïcode]]>"] = { final = true }, [("long"):rep(30)] = { final = true },
    ["end"] = { by_server = true, final = true },
  },
  actions = {
    { name = "a<b>&\"c\"", from = "予約済み", to = "b\255ad\\n\\", autoplay = { after = 0, from = "end" } },
    { name = "];-->:{}`'", from = "予約済み", to = "Ünïcode]]>" },
    { name = "確認する", from = "b\255ad\\n\\", to = ("long"):rep(30) },
    { name = "%s%1%%", from = "b\255ad\\n\\", to = "Ünïcode]]>" },
    { name = "&amp;\\N", from = "b\255ad\\n\\", to = "b\255ad\\n\\" },
    { name = "\237\160\128\239\191\191", from = "b\255ad\\n\\", to = "予約済み" },
  },
}
