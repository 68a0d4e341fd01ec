// The clock: what time it is in the sandbox, moving it, and what plays by itself next.
import { control } from "./api.js";
import { byId, clockTime, guarded, say } from "./dom.js";
import { refresh, watch } from "./live.js";

function describe(play) {
  return `${play.action ?? "expiry"} of ${play.id.slice(0, 8)} at ${clockTime(play.time, true)}`;
}

const advance = (seconds) => guarded(async () => {
  const { time, played } = await control("POST", "clock", { advance: seconds });
  const names = played.map((play) => `${play.action ?? "expired"} of ${play.id.slice(0, 8)}`);
  say(`It is ${clockTime(time)}. ` + (names.length ? `Played: ${names.slice(0, 5).join(", ")}` : "Nothing played."));
  await refresh();
});

export function start() {
  byId("hour").addEventListener("click", advance(3600));
  byId("day").addEventListener("click", advance(86400));
  byId("next").addEventListener("click", advance("next"));
  watch((status) => {
    byId("now").textContent = clockTime(status.time) + " UTC";
    byId("now").dateTime = status.time;
    const play = status.next;
    byId("next").disabled = !play;
    byId("next").title = play ? "Moves the clock to " + describe(play) : "";
    byId("coming").replaceChildren();
    if (!play) byId("coming").textContent = "Nothing plays by itself";
    else {
      const link = Object.assign(document.createElement("a"), { href: "#booking=" + play.id, textContent: describe(play) });
      byId("coming").append("Next: ", link);
    }
  });
}
