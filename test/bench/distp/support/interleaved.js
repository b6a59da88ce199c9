"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.written = void 0;
exports.compare = compare;
exports.ratio = ratio;
exports.printRatios = printRatios;
const knobs_1 = require("./knobs");
const load_1 = require("./load");
/** Measures one work at each number of connections, and prints it; all are warmed up first. */
async function compare(work, contestants, { connections: counts, ...length }) {
    const measured = [];
    for (const { server, asked } of contestants)
        await (0, load_1.loadWith)(server, asked, Math.max(...counts), (0, knobs_1.warmUp)());
    for (const connections of counts) {
        const courses = await interleave(contestants, connections, length);
        printCourses(`${work}, ${connections} connections`, courses);
        measured.push({ work, connections, courses });
    }
    return measured;
}
/**
 * Loads all in turn, round after round: what else the machine does falls on all of them. Each round begins with another
 * one.
 */
async function interleave(contestants, connections, { rounds, seconds }) {
    const courses = contestants.map(({ name }) => ({ name, rounds: [] }));
    for (let round = 0; round < rounds; round++) {
        for (let turn = 0; turn < contestants.length; turn++) {
            const place = (round + turn) % contestants.length;
            const contestant = contestants[place];
            if (!contestant)
                continue;
            courses[place]?.rounds.push(await (0, load_1.loadWith)(contestant.server, contestant.asked, connections, seconds));
        }
    }
    return courses;
}
/** One contestant's throughput over another's, of the same round each time. */
function ratio(courses, of, over) {
    const [above, below] = [of, over].map((name) => {
        const found = courses.find((course) => course.name === name);
        if (!found)
            throw new Error(`${name} was not measured`);
        return found.rounds;
    });
    return (0, load_1.spread)((above ?? []).map((one, round) => one.throughput / (below?.[round]?.throughput ?? Number.NaN)));
}
/** Prints what each contestant did, and how the first compares. */
function printCourses(title, courses) {
    const [first] = courses;
    process.stdout.write(`\n${title} (median of ${first?.rounds.length} rounds)\n`);
    for (const { name, rounds } of courses) {
        const middle = (figure) => (0, load_1.median)(rounds.map((round) => round[figure]));
        const figures = [
            name.padEnd(26),
            `${Math.round(middle('throughput'))} req/s`.padStart(12),
            `p50 ${middle('p50')} ms`.padStart(10),
            `p99 ${middle('p99')} ms`.padStart(11),
            `cpu ${Math.round(middle('cpuPerRequest'))} us`.padStart(13),
            first && name !== first.name ? `${first.name} / it ${(0, exports.written)(ratio(courses, first.name, name))}` : '',
        ];
        process.stdout.write(`  ${figures.join('  ').trimEnd()}\n`);
    }
}
/** A median with its extremes, as tables give it. */
const written = ({ median: middle, min, max }) => `${middle.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
exports.written = written;
function printRatios(ratios) {
    process.stdout.write('\nratios, median (min-max)\n');
    for (const [name, value] of Object.entries(ratios))
        process.stdout.write(`  ${name}: ${(0, exports.written)(value)}\n`);
}
