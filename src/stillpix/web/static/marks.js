// How a defect is marked: by shape and by colour, so that either alone is enough.

export const COLOURS = {
  confirmed: "#ffb000",
  candidate: "#6cc5ff",
  accepted: "#5ee08a",
  rejected: "#ff8fa3",
};

export const SHAPES = {
  confirmed: "ring",
  candidate: "dashed ring",
  accepted: "square",
  rejected: "cross",
};

/** Draw a mark around a point, dark below and light above, to be seen on any photo; never on it. */
export function drawMark(pen, x, y, radius, { state, chosen = false }) {
  for (const [width, colour] of [[chosen ? 6 : 4, "rgba(0, 0, 0, 0.75)"], [chosen ? 3 : 1.75, COLOURS[state]]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.setLineDash(state === "candidate" ? [4, 3] : []);
    pen.beginPath();
    trace(pen, x, y, radius, SHAPES[state]);
    pen.stroke();
    if (chosen) {
      pen.setLineDash([]);
      pen.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        pen.moveTo(x + dx * (radius + 4), y + dy * (radius + 4));
        pen.lineTo(x + dx * (radius + 12), y + dy * (radius + 12));
      }
      pen.stroke();
    }
  }
  pen.setLineDash([]);
}

function trace(pen, x, y, radius, shape) {
  if (shape === "square") {
    pen.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  } else if (shape === "cross") {
    // Open in its middle, where the pixel is.
    for (const [dx, dy] of [[1, 1], [1, -1], [-1, 1], [-1, -1]]) {
      pen.moveTo(x + dx * radius * 0.6, y + dy * radius * 0.6);
      pen.lineTo(x + dx * radius * 1.1, y + dy * radius * 1.1);
    }
  } else {
    pen.arc(x, y, radius, 0, 2 * Math.PI);
  }
}
