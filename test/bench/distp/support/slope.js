"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.slopeOf = slopeOf;
/** The slope of a line through points, by least squares. */
function slopeOf(points) {
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const middleX = mean(points.map(([x]) => x));
    const middleY = mean(points.map(([, y]) => y));
    const rise = points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0);
    const run = points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
    return run === 0 ? 0 : rise / run;
}
